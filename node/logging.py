"""What the running node writes about itself: one JSON object a line, on standard error.

Documents, queries, vectors, passphrases, tokens and keys are never logged. The rule is kept where
lines are written; as a net below it, fields with such names are replaced.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from node.operations.errors import OUR_ROOMS

if TYPE_CHECKING:
    from node.config import Log

WITHHELD_FIELDS = frozenset(
    {"text", "texts", "vector", "vectors", "query", "document", "passphrase", "token", "secret"}
)


def configure(settings: Log) -> None:
    """Send structlog's and the standard library's records to standard error."""
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        withhold,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # what is kept at the first use would outlive the next configuration; lines are few
        cache_logger_on_first_use=False,
    )
    handler = _Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                safe_exception,
                *_rendering(settings.format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def withhold(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the values of fields that may hold content or secrets."""
    del logger, method
    for name in WITHHELD_FIELDS & event.keys():
        event[name] = "[withheld]"
    return event


def safe_exception(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace an exception by its types and places; its words only where our rooms chose them.

    Other people's messages may quote the input (pydantic's do), and so may local variables.
    """
    del logger, method
    found = event.pop("exc_info", None)
    error = sys.exc_info()[1] if found is True else found[1] if isinstance(found, tuple) else found
    chain = []
    while isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        chain.append(
            {
                "type": f"{type(error).__module__}.{type(error).__qualname__}",
                "message": str(error) if type(error).__module__.startswith(OUR_ROOMS) else None,
                "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
            }
        )
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if chain:
        event["exception"] = chain
    return event


class _Handler(logging.Handler):
    """Writes records to whatever standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; where that fails say so, not what: it may hold anything."""
        try:
            line = self.format(record)
        except Exception:
            line = f'{{"event": "log record lost", "logger": "{record.name}"}}'
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _exception_as_text(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """The chain of `safe_exception` as indented lines."""
    del logger, method
    if "exception" in event:
        event["exception"] = "\n".join(
            f"{link['type']}: {link['message'] or '[withheld]'}\n  " + "\n  ".join(link["at"])
            for link in event["exception"]
        )
    return event


def _rendering(form: str) -> list[structlog.typing.Processor]:
    if form == "text":
        colours = sys.stderr.isatty()
        return [_exception_as_text, structlog.dev.ConsoleRenderer(colors=colours)]
    return [
        structlog.processors.JSONRenderer(
            lambda value, **_: orjson.dumps(value, default=str).decode()
        )
    ]
