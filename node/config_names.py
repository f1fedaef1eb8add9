"""The names of settings, in the file and in the environment.

The rule of this file: an unknown name is refused with the nearest known one, in both places, so
that a typing error never silently leaves a default in force. `[section] key` in `interlingua.toml`
is `INTERLINGUA_SECTION__KEY` in the environment (lists and tables as JSON there).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from node.config import PREFIX, Settings
from node.operations.errors import InvalidRequest
from node.section import Section

NOT_SETTINGS = ("DATA", "PASSPHRASE", "PASSPHRASE_FILE", "HSM_PIN", "HSM_PIN_FILE", "DEBUG")
"""Variables with the prefix that are read elsewhere."""


def every_setting(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """All settings as (dotted name, pydantic FieldInfo), in the order of the models."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from every_setting(kind, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def variable_of(name: str) -> str:
    """The environment variable that overrides a setting, e.g. INTERLINGUA_ADMIN__PORT."""
    return PREFIX + name.replace(".", "__").upper()


def refuse_unknown_names(names: Iterable[str], where: str) -> None:
    """Refuse dotted names that are no settings.

    Raises:
        InvalidRequest: with the nearest known name.
    """
    known = [name for name, _ in every_setting()]
    for name in names:
        if name not in known:
            raise _unknown(f"{name} in {where}", name, known)


def refuse_unknown(content: Mapping[str, Any], where: str, environ: Mapping[str, str]) -> None:
    """Refuse keys of a file's content, and variables of the environment, that are no settings.

    Raises:
        InvalidRequest: with the nearest known name.
    """
    known = [name for name, _ in every_setting()]
    sections = {name.partition(".")[0] for name in known if "." in name}
    refuse_unknown_names((n for n in _dotted(content, known) if n not in sections), where)
    variables = [variable_of(name) for name in known] + [PREFIX + name.upper() for name in sections]
    for variable in environ:
        if not variable.startswith(PREFIX) or variable.removeprefix(PREFIX) in NOT_SETTINGS:
            continue
        if variable not in variables:
            raise _unknown(f"environment variable {variable}", variable, variables)


def _dotted(content: Mapping[str, Any], known: list[str], prefix: str = "") -> Iterator[str]:
    """The file's keys as dotted names; tables that are values of a setting stay whole."""
    for key, value in content.items():
        name = prefix + key
        if isinstance(value, Mapping) and name not in known and value:
            yield from _dotted(value, known, f"{name}.")
        else:
            yield name


def _unknown(what: str, name: str, known: list[str]) -> InvalidRequest:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return InvalidRequest(
        f"Unknown setting: {what}.",
        fix=f"{hint}docs/configuration.md lists every setting.",
        code="configuration-unknown-key",
    )
