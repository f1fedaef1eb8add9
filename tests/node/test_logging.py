"""What is written, and what never is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from pydantic import BaseModel

from node.config import Log
from node.logging import WITHHELD_FIELDS, configure
from node.operations.errors import NotFound

CANARY = "canary-7f3a"


class Number(BaseModel):
    number: int


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_one_object_a_line_with_time_level_and_logger(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Log())
    structlog.get_logger("room").info("something happened", count=3)
    logging.getLogger("library").warning("and %s", "this")
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["count"], ours["level"]) == ("something happened", 3, "info")
    assert str(ours["timestamp"]).endswith("Z")
    assert (theirs["event"], theirs["logger"]) == ("and this", "library")


def test_the_level_is_the_least_that_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Log(level="warning"))
    structlog.get_logger("room").info("quiet")
    logging.getLogger("library").info("quiet")
    structlog.get_logger("room").warning("loud")
    assert [line["event"] for line in lines(capsys)] == ["loud"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_fields_that_may_hold_content_are_withheld(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    configure(Log.model_validate({"format": form}))
    structlog.get_logger("room").info("asked", **dict.fromkeys(WITHHELD_FIELDS, CANARY))
    assert CANARY not in capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_says_where_and_not_what(capsys: pytest.CaptureFixture[str], form: str) -> None:
    configure(Log.model_validate({"format": form}))
    try:
        try:
            Number.model_validate({"number": CANARY})
        except ValueError as error:
            raise RuntimeError(CANARY) from error
    except RuntimeError:
        structlog.get_logger("room").exception("failed")
        logging.getLogger("library").exception("failed")
    written = capsys.readouterr().err
    assert CANARY not in written
    assert "RuntimeError" in written
    assert "ValidationError" in written
    assert "test_logging.py" in written


def test_our_own_errors_keep_their_words(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Log())
    try:
        raise NotFound("There is no token named anna.", fix="interlingua token list")
    except NotFound:
        structlog.get_logger("room").exception("failed")
    assert "no token named anna" in json.dumps(lines(capsys))
