"""The text of a new node's configuration file: what was chosen, and every default as a comment."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from node.config_names import every_setting, variable_of
from node.operations.errors import InvalidRequest

HEADER = """\
# Configuration of an interlingua node. Lines with a leading # show the defaults.
# Each setting can be overridden by the environment variable named beside it.
# All settings: docs/configuration.md
"""


def commented(chosen: Mapping[str, Any]) -> str:
    """The file's text.

    Args:
        chosen: values by dotted name; all other settings stay commented out.

    Raises:
        InvalidRequest: a value has no TOML form.
    """
    lines, section = [HEADER], ""
    for name, field in every_setting():
        table, _, key = name.rpartition(".")
        if table != section:
            section = table
            lines.append(f"[{table}]\n")
        about = textwrap.wrap(f"{field.description} [{variable_of(name)}]", 96)
        lines += [f"# {line}" for line in about]
        if name in chosen:
            lines.append(f"{key} = {toml_value(chosen[name])}\n")
        elif field.default in (None, PydanticUndefined):
            lines.append(f"# {key} =\n")
        else:
            lines.append(f"# {key} = {toml_value(field.default)}\n")
    return "\n".join(lines)


def toml_value(value: Any) -> str:
    """A value as TOML writes it: booleans, numbers, strings, paths, flat lists."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | Path):
        return _basic_string(str(value))
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    raise InvalidRequest(
        f"A {type(value).__name__} cannot be given on the command line.",
        fix="Edit interlingua.toml instead.",
    )


def _basic_string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
