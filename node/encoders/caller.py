"""Encoders without a model: the caller computes vectors and vouches for them with an envelope.

The envelope comes in a JSON or TOML file with the fields of `protocol.envelope.Envelope`; a partner
can be sent the same file.
"""

import tomllib
from pathlib import Path
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from node.encoders.errors import EncoderMisconfigured
from protocol.envelope import Envelope

_MAX_BYTES = 64 * 1024


class CallerSettings(BaseModel):
    """There is nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_envelope(path: Path) -> Envelope:
    """Read an envelope file. Raises EncoderMisconfigured, which names file, field and cause."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise EncoderMisconfigured(
            f"the envelope file {path} cannot be read: {error.strerror}"
        ) from None
    if len(raw) > _MAX_BYTES:
        raise EncoderMisconfigured(f"{path} is too long to be an envelope")
    try:
        content = _parse(path, raw)
    except ValueError as error:
        raise EncoderMisconfigured(f"{path} is not valid: {error}") from None
    return parse_envelope(content, str(path))


def parse_envelope(content: Any, where: str) -> Envelope:
    """Check an envelope given as an object. Raises EncoderMisconfigured, naming `where`."""
    try:
        return Envelope.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'envelope'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise EncoderMisconfigured(f"{where} is no envelope: {faults}") from None


def _parse(path: Path, raw: bytes) -> Any:
    if path.suffix == ".toml":
        return tomllib.loads(raw.decode("utf-8"))
    return orjson.loads(raw)
