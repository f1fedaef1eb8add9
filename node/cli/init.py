"""`interlingua init`: a new node."""

from __future__ import annotations

import sys
import tomllib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from node.cli.invocation import VerbGroup, current
from node.cli.output import finish, line, note

if TYPE_CHECKING:
    from collections.abc import Iterable

app = VerbGroup()


@app.command()
def init(
    organisation: Annotated[str, typer.Option(help="Domain-like name, e.g. clinic.example.")],
    url: Annotated[
        str | None,
        typer.Option(help="Where partners reach this node, e.g. https://node.clinic.example."),
    ] = None,
    asks_only: Annotated[
        bool, typer.Option("--asks-only", help="No url and no inbound port: this node only asks.")
    ] = False,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting as section.key=value; repeat for more."),
    ] = None,
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", help="Do not ask for one: keys are only mode 0600.")
    ] = False,
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Take over keys that lie in the token (hsm.*) already."),
    ] = False,
) -> None:
    """Make a new node: keys, root document, configuration file."""
    from node.cli.init_result import Initialised
    from node.clock import system_clock
    from node.config_file import commented
    from node.config_names import refuse_unknown_names
    from node.config_reading import parse_settings
    from node.creation import create_node
    from node.data_directory import DataDirectory

    data = DataDirectory(current().data)
    chosen = {"organisation": organisation, **_values(setting or [])}
    if url is not None:
        chosen["url"] = url
    if asks_only:
        chosen["federation.enabled"] = False
    refuse_unknown_names(chosen, "--set")
    text = commented(chosen)
    settings = parse_settings(text, "the new configuration")
    phrase = _passphrase(no_passphrase)
    words = create_node(data, settings, text, phrase, system_clock(), adopt=adopt)
    result = Initialised(
        organisation=organisation, url=url, data=str(data.path), fingerprint=" ".join(words)
    )

    def people() -> None:
        line(f"{organisation} has a node in {data.path}")
        line(f"fingerprint: {result.fingerprint}")
        line("Auditors compare these words with you; a pairing shows six words of its own.")

    finish(result, people, next_step="interlingua serve")


def _values(settings: Iterable[str]) -> dict[str, Any]:
    """`a.b=1` as {"a.b": 1}; what is no TOML value is a string."""
    values: dict[str, Any] = {}
    for item in settings:
        name, equals, text = item.partition("=")
        if not equals:
            raise typer.BadParameter(f"{item}: write section.key=value", param_hint="--set")
        try:
            values[name] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[name] = text
    return values


def _passphrase(no_passphrase: bool) -> bytes | None:
    from node.passphrase import Passphrase, choose_new

    given = Passphrase().given()
    if given is not None or no_passphrase:
        return given
    if sys.stdin.isatty():
        return choose_new()
    note("No passphrase was given: the key files are protected by their mode (0600) alone.")
    return None
