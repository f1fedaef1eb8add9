"""The node's encoders by name, kept in store.db, opened at first use.

A row holds the settings (never a secret: API keys are read from where the settings say) and the
envelope as it was when the encoder was added. An encoder's space never changes: another model is
another encoder.
"""

import asyncio
import sqlite3
from typing import Any

import orjson
import structlog
from pydantic import BaseModel, ValidationError

from node.clock import Clock
from node.encoders.caller import CallerSettings
from node.encoders.encoder import Backend, Encoder, Kind, RolePrompts
from node.encoders.errors import (
    EncoderError,
    EncoderExists,
    EncoderInUse,
    EncoderMisconfigured,
    UnknownEncoder,
)
from node.encoders.openai import OpenAIBackend, OpenAISettings
from node.encoders.sentence_transformers import (
    SentenceTransformersBackend,
    SentenceTransformersSettings,
)
from node.store.schema import MIGRATIONS
from node.store.store import Store
from node.wrong_values import describe
from protocol.envelope import Envelope

_log = structlog.get_logger(__name__)

SETTINGS: dict[Kind, type[BaseModel]] = {
    "openai": OpenAISettings,
    "sentence-transformers": SentenceTransformersSettings,
    "caller": CallerSettings,
}
EXAMPLES: dict[Kind, str] = {
    "openai": "--url http://127.0.0.1:8080/v1 --model bge-small",
    "sentence-transformers": "--model all-MiniLM-L6-v2",
    "caller": "--envelope FILE",
}


class Encoders:
    """All encoders of a node."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Bring the data rooms' tables up to date; no encoder is opened yet."""
        self._store = store
        self._clock = clock
        self._opened: dict[str, Encoder] = {}
        store.migrate("data", MIGRATIONS)

    def get(self, name: str) -> Encoder:
        """Return the encoder of that name. Raises UnknownEncoder."""
        if name not in self._opened:
            with self._store.read() as db:
                row = db.execute(
                    "SELECT kind, settings, envelope FROM encoders WHERE name = ?", (name,)
                ).fetchone()
            if row is None:
                raise UnknownEncoder(
                    f"there is no encoder {name!r}",
                    fix=(
                        "`interlingua encoder list` shows those there are; `interlingua encoder "
                        "add` adds one."
                    ),
                )
            kind, settings, envelope = row
            self._opened[name] = open_encoder(
                name, kind, orjson.loads(settings), Envelope.model_validate_json(envelope)
            )
        return self._opened[name]

    def names(self) -> list[str]:
        """Return the encoders' names, sorted."""
        with self._store.read() as db:
            return [name for (name,) in db.execute("SELECT name FROM encoders ORDER BY name")]

    def all(self) -> list[Encoder]:
        """Return every encoder, by name."""
        return [self.get(name) for name in self.names()]

    def add(self, name: str, kind: Kind, settings: dict[str, Any], envelope: Envelope) -> Encoder:
        """Keep an encoder whose envelope has been measured (`measure.py`). Raises EncoderExists.

        Blocking: a writer may have to wait for another.
        """
        encoder = open_encoder(name, kind, settings, envelope)
        row = (name, kind, orjson.dumps(settings).decode(), envelope.model_dump_json())
        try:
            self._write(
                "INSERT INTO encoders (name, kind, settings, envelope, added_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (*row, self._clock()),
            )
        except sqlite3.IntegrityError:
            raise EncoderExists(
                f"encoder {name!r} exists, and a space never changes its encoder",
                fix="Choose another name.",
            ) from None
        encoder.live.trust()
        self._opened[name] = encoder
        return encoder

    def state(self, name: str, training_cutoff: str | None, fine_tuning: str | None) -> None:
        """Keep what is said of a model for the catalog; versions made from now on have it."""
        self._write(
            "UPDATE encoders SET training_cutoff = ?, fine_tuning = ? WHERE name = ?",
            (training_cutoff, fine_tuning, name),
        )

    async def look(self) -> None:
        """Look at the model of every encoder: is it still that of its space? Logs what is not."""
        for encoder in self.all():
            try:
                await encoder.live.look()
            except EncoderError as error:
                _log.warning("encoder not looked at", encoder=encoder.name, cause=str(error))

    def settings_of(self, name: str) -> dict[str, Any]:
        """Return the settings that an encoder was added with; they hold no secret."""
        with self._store.read() as db:
            row = db.execute("SELECT settings FROM encoders WHERE name = ?", (name,)).fetchone()
        return orjson.loads(row[0]) if row else {}

    async def remove(self, name: str) -> None:
        """Forget an encoder. Raises UnknownEncoder, EncoderInUse."""
        encoder = self.get(name)
        if not await asyncio.to_thread(self._delete_unused, name):
            raise EncoderInUse(
                f"encoder {name!r} made the vectors of a collection, or its questions",
                fix="Drop the collection first, retire the version that it made, or end the bridge"
                " that asks by it (`interlingua collection stop`).",
            )
        self._opened.pop(name, None)
        await encoder.close()

    def _delete_unused(self, name: str) -> bool:
        with self._store.write() as db:
            gone = db.execute(
                "DELETE FROM encoders WHERE name = ?"
                " AND name NOT IN (SELECT encoder FROM versions WHERE state <> 'retired')"
                " AND name NOT IN (SELECT encoder FROM courses)",
                (name,),
            )
            return gone.rowcount > 0

    def _write(self, statement: str, values: tuple[str | int | None, ...]) -> None:
        with self._store.write() as db:
            db.execute(statement, values)

    async def close(self) -> None:
        """Close every encoder that was opened."""
        while self._opened:
            _, encoder = self._opened.popitem()
            await encoder.close()


def open_encoder(name: str, kind: Kind, settings: dict[str, Any], envelope: Envelope) -> Encoder:
    """Make an encoder from its settings; nothing is connected or loaded yet.

    Prompts are part of the settings: `query_prompt` and `document_prompt`. Raises
    EncoderMisconfigured, which names the setting and the cause.
    """
    own = dict(settings)
    prompts = RolePrompts(own.pop("query_prompt", ""), own.pop("document_prompt", ""))
    model = SETTINGS.get(kind)
    if model is None:
        raise EncoderMisconfigured(
            f"unknown kind {kind!r}",
            fix=f"Choose one of {', '.join(SETTINGS)}.",
        )
    try:
        return Encoder(name, kind, envelope, prompts, _backend(model.model_validate(own)))
    except ValidationError as error:
        raise EncoderMisconfigured(
            f"the settings of encoder {name!r} are not valid: {describe(error, 'settings')}",
            fix=f"Correct the named options, e.g. {EXAMPLES[kind]}; `interlingua encoder add"
            " --help` describes them.",
        ) from None


def _backend(settings: BaseModel) -> Backend | None:
    if isinstance(settings, OpenAISettings):
        return OpenAIBackend(settings)
    if isinstance(settings, SentenceTransformersSettings):
        return SentenceTransformersBackend(settings)
    return None
