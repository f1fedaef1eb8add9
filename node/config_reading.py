"""Reading a node's settings: one TOML file, overridden by environment variables.

The rule of this file: what is refused is named by key, reason and nearest known key, never by its
value.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from node.config import NO_URL, PREFIX, Settings
from node.config_names import refuse_unknown
from node.operations.errors import InvalidRequest
from node.wrong_values import describe

NO_URL_FIX = (
    "Set it (`interlingua init --url https://HOST:PORT`, or url in the file); a node that only "
    "asks has none: `interlingua init --asks-only`, or federation.enabled = false."
)


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the file, lay the environment over it, and check every key and value.

    Args:
        path: the TOML file.
        environ: for its variable names only; default `os.environ`.

    Raises:
        InvalidRequest: the file cannot be read or parsed, or a key or value is wrong; the message
            names the key, the reason and the nearest known key, never a value.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(
            f"{path} cannot be read: {error}.",
            fix="Correct the file's owner, mode or encoding (UTF-8).",
            code="configuration-unreadable",
        ) from None
    return parse_settings(text, str(path), environ)


def parse_settings(text: str, name: str, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in a TOML text that stands, or will stand, in the file `name`."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(
            f"{name} cannot be read as TOML: {error}.",
            fix="Correct the file; docs/configuration.md lists every setting.",
            code="configuration-unreadable",
        ) from None
    refuse_unknown(content, name, os.environ if environ is None else environ)
    try:
        return Settings(**content)
    except ValidationError as error:
        raise InvalidRequest(
            f"{name}, or a variable {PREFIX}*, is not valid: {describe(error, '')}.",
            fix=NO_URL_FIX
            if any(NO_URL in each["msg"] for each in error.errors())
            else "docs/configuration.md lists every setting with its form and default.",
            code="configuration-invalid",
        ) from None
