"""Writes the generated parts of docs/configuration.md and docs/cli.md (`make docs`).

A generated part stands between the lines `<!-- generated: NAME -->` and `<!-- end -->`; everything
else in the files is written by people. A test compares the parts with what this module would write.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from node.cli.examples import command_lines
from node.cli.main import app
from node.config_file import toml_value
from node.config_names import every_setting, variable_of
from node.operations.exit_codes import MEANING

END = "<!-- end -->"
COMMON = ("--data", "--json", "--quiet", "--help")


def settings_table() -> str:
    """All settings, a table for each section of the file."""
    lines: list[str] = []
    section = None
    for name, field in every_setting():
        table = name.rpartition(".")[0]
        if table != section:
            section = table
            lines += ["", f"## `[{table}]`" if table else "## Top level", ""]
            lines += ["| setting | default | variable | meaning |", "| --- | --- | --- | --- |"]
        lines.append(
            f"| `{name}` | {_default(field)} | `{variable_of(name)}` | {field.description} |"
        )
    return "\n".join(lines).strip()


def exit_codes_table() -> str:
    """The exit codes with their meanings."""
    rows = [f"| {code.value} | {code.name.lower()} | {text} |" for code, text in MEANING.items()]
    return "\n".join(["| code | name | meaning |", "| --- | --- | --- |", *rows])


def verbs() -> str:
    """Every verb with its arguments and options; those of every verb are left out."""
    lines: list[str] = []
    for path, command in every_verb(typer.main.get_command(app), ("interlingua",)):
        lines += [f"### `{' '.join(path)}`", "", command.help.strip(), ""]
        rows = [_row(parameter) for parameter in command.params if not _is_common(parameter)]
        if rows:
            lines += [
                "| argument or option | default | meaning |",
                "| --- | --- | --- |",
                *rows,
                "",
            ]
        if examples := command_lines(" ".join(path[1:])):
            lines += [*(f"    {example}" for example in examples), ""]
    return "\n".join(lines).strip()


def every_verb(command: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:
    """All verbs below a command with the words that call them."""
    if not hasattr(command, "list_commands"):
        return [(path, command)]
    found = []
    for name in command.list_commands(None):
        found += every_verb(command.get_command(None, name), (*path, name))
    return found


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "exit codes": exit_codes_table,
    "verbs": verbs,
}


def with_parts(text: str) -> str:
    """The text of a document with its generated parts as they should be."""
    for name, write in PARTS.items():
        begin = f"<!-- generated: {name} -->"
        if begin in text:
            before, _, rest = text.partition(begin)
            after = rest.partition(END)[2]
            text = f"{before}{begin}\n{write()}\n{END}{after}"
    return text


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    return "" if field.default is None else f"`{toml_value(field.default)}`"


def _is_common(parameter: Any) -> bool:
    return any(name in COMMON for name in parameter.opts)


def _row(parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    shown = parameter.metavar or parameter.name.upper()
    name = ", ".join(parameter.opts) if is_option else shown
    default = "required" if parameter.required else _shown(parameter.default)
    meaning = (getattr(parameter, "help", "") or "").replace("|", "\\|")
    return f"| `{name}` | {default} | {meaning} |"


def _shown(default: Any) -> str:
    return "" if default in (None, False, [], ()) else f"`{default}`"


def main(folder: Path) -> None:
    """Bring the documents in a folder up to date."""
    for document in sorted(folder.glob("*.md")):
        text = document.read_text()
        document.write_text(with_parts(text))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
