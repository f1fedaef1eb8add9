"""What every verb shares: `--data`, `--json`, `--quiet`, and how its errors become exit codes.

`VerbGroup` is a `typer.Typer` whose commands all get the three options and the error handling, so
that no verb can forget them.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_type_hints

import typer

from node.operations.exit_codes import ExitCode

if TYPE_CHECKING:
    from node.operations.errors import OperationProblem

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

DATA_VARIABLE = "INTERLINGUA_DATA"


@dataclass(frozen=True)
class Invocation:
    """The options that apply to every verb.

    Attributes:
        data: the node's data directory (it need not exist yet).
        json: exactly one JSON object on standard output, nothing else there.
        quiet: no progress and no hints on standard error.
        data_option: the directory as `--data` named it, None where the environment or the default
            did: then a next command needs no option either.
        verb: the command with its groups, as `--help` is asked of it.
    """

    data: Path
    json: bool = False
    quiet: bool = False
    data_option: Path | None = None
    verb: str = "interlingua"


_current: ContextVar[Invocation] = ContextVar("invocation")


def current() -> Invocation:
    """The options of the verb that is running."""
    return _current.get()


def default_data_directory() -> Path:
    """`$XDG_DATA_HOME/interlingua`, by default `~/.local/share/interlingua`."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "interlingua"


DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar=DATA_VARIABLE,
        help="Data directory of the node. Default: ~/.local/share/interlingua",
        rich_help_panel="Options of every command",
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print exactly one JSON object on standard output.",
        rich_help_panel="Options of every command",
    ),
]
QuietOption = Annotated[
    bool,
    typer.Option(
        "--quiet",
        help="No progress and no hints on standard error.",
        rich_help_panel="Options of every command",
    ),
]

_COMMON: dict[str, tuple[Any, Any]] = {
    "common_data": (DataOption, None),
    "common_json": (JsonOption, False),
    "common_quiet": (QuietOption, False),
}


class VerbGroup(typer.Typer):
    """A group of verbs (or, with one verb and `single=True` in the table, a verb of its own)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(add_completion=False, no_args_is_help=True, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[CommandT], CommandT]:
        """Add a verb; the function's parameters become its arguments and options."""

        def decorate(function: CommandT) -> CommandT:
            super(VerbGroup, self).command(name, **options)(with_common_options(function))
            return function

        return decorate


def with_common_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with the common options added to its signature and its errors shown."""
    signature = inspect.signature(function)
    hints = get_type_hints(function, include_extras=True)
    kinds = {"common_context": typer.Context, **{name: kind for name, (kind, _) in _COMMON.items()}}
    common = [
        inspect.Parameter(
            "common_context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context
        )
    ]
    common += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in _COMMON.items()
    ]

    def verb(**values: Any) -> None:
        data, context = values.pop("common_data"), values.pop("common_context")
        from_environment = os.environ.get(DATA_VARIABLE) == str(data)
        _current.set(
            Invocation(
                data=Path(data) if data else default_data_directory(),
                json=values.pop("common_json"),
                quiet=values.pop("common_quiet"),
                data_option=Path(data) if data and not from_environment else None,
                verb=context.command_path,
            )
        )
        _guarded(function, values)

    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
        for parameter in signature.parameters.values()
    ]
    verb.__signature__ = signature.replace(parameters=[*own, *common])  # type: ignore[attr-defined]  # functions take it, mypy does not know
    verb.__annotations__ = {**hints, **kinds}
    verb.__name__ = function.__name__
    verb.__doc__ = function.__doc__
    return verb


def _guarded(function: Callable[..., Any], values: dict[str, Any]) -> None:
    """Run the verb; show an error and leave with its exit code."""
    try:
        function(**values)
    except (typer.Exit, BrokenPipeError):
        raise
    except (Exception, KeyboardInterrupt) as error:
        from node.cli.output import show_problem

        problem = _problem(error)
        debug = error if os.environ.get("INTERLINGUA_DEBUG") else None
        show_problem(problem, as_json=current().json, debug=debug)
        raise typer.Exit(problem.exit_code) from None


def _problem(error: BaseException) -> OperationProblem:
    """What to show of whatever ended a verb."""
    from node.operations.errors import InvalidRequest, OperationError, translate

    if isinstance(error, typer.BadParameter):
        from node.cli.usage import correction

        where = f"{error.param_hint}: " if error.param_hint else ""
        fix = correction(error.message, current().verb)
        return InvalidRequest(f"{where}{error.message}", fix=fix).problem()
    if isinstance(error, typer.Abort):
        return OperationError(
            "Nothing was done: it was not confirmed.",
            fix="Run it again and answer y, or add --yes where the verb has it.",
            code="aborted",
        ).problem()
    if isinstance(error, KeyboardInterrupt):
        interrupted = OperationError(
            "Interrupted; what was under way was cancelled.",
            fix="Run it again; what was done before is kept.",
        ).problem()
        told = {"code": "interrupted", "exit_code": int(ExitCode.INTERRUPTED)}
        return interrupted.model_copy(update=told)
    return translate(error if isinstance(error, Exception) else RuntimeError()).problem()
