"""Encoders without a model: the caller computes vectors and vouches for them with an envelope.

The envelope comes in a JSON or TOML file with the fields of `protocol.envelope.Envelope`; a partner
can be sent the same file.
"""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from node.encoders.errors import EncoderMisconfigured
from node.encoders.vectors import FloatArray
from node.regular_file import open_regular
from node.wrong_values import describe
from protocol.envelope import Envelope
from protocol.probe import PROBE_TEXTS

_MAX_BYTES = 64 * 1024


class CallerSettings(BaseModel):
    """There is nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def read_envelope(path: Path) -> Envelope:
    """Read an envelope file. Raises EncoderMisconfigured, which names file, field and cause."""
    try:
        with open_regular(path) as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise EncoderMisconfigured(
            f"the envelope file {path} cannot be read: {error.strerror}",
            fix="Check the path after --envelope, and that the node's user may read the file.",
        ) from None
    if len(raw) > _MAX_BYTES:
        raise EncoderMisconfigured(
            f"{path} is too long to be an envelope",
            fix="Give a JSON or TOML file that holds the envelope's fields and nothing else.",
        )
    try:
        content = _parse(path, raw)
    except ValueError as error:
        raise EncoderMisconfigured(
            f"{path} is not valid: {error}",
            fix="Correct the file; it is JSON, or TOML where its name ends in .toml.",
        ) from None
    return parse_envelope(content, str(path))


def read_probe_vectors(path: Path) -> FloatArray:
    """Read the vectors of the probe texts from a .npy file, (24, d), in the order of the texts.

    Raises EncoderMisconfigured, which names file and cause.
    """
    try:
        found = np.load(path, allow_pickle=False)
    except OSError as error:
        raise EncoderMisconfigured(
            f"the probe vectors in {path} cannot be read: {error.strerror or 'it is damaged'}",
            fix="Check the path after --probe-vectors, and that the node's user may read the file.",
        ) from None
    except (ValueError, EOFError):
        found = None
    if not isinstance(found, np.ndarray) or found.dtype.kind != "f" or found.ndim != 2:
        found = None
    if found is None or len(found) != len(PROBE_TEXTS):
        raise EncoderMisconfigured(
            f"{path} holds no table of floats with one row for each of the {len(PROBE_TEXTS)} "
            "probe texts",
            fix="Encode the probe texts (docs/protocol-documents.md, section 6) in their order in "
            "the document role, and save them: numpy.save(PATH, vectors).",
        )
    return np.asarray(found, dtype=np.float32)


def parse_envelope(content: Any, where: str) -> Envelope:
    """Check an envelope given as an object. Raises EncoderMisconfigured, naming `where`."""
    try:
        return Envelope.model_validate(content)
    except ValidationError as error:
        raise EncoderMisconfigured(
            f"{where} is no envelope: {describe(error, 'envelope')}",
            fix="Correct the named fields; docs/protocol.md lists them (The envelope).",
        ) from None


def _parse(path: Path, raw: bytes) -> Any:
    if path.suffix == ".toml":
        return tomllib.loads(raw.decode("utf-8"))
    return orjson.loads(raw)
