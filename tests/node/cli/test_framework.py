"""What every verb has: common options, one JSON object, exit codes, and a quick start."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from node.cli.invocation import VerbGroup, current
from node.cli.main import GROUPS, ORDER, SINGLE, LazyGroup, main
from node.cli.main import app as whole
from node.cli.output import finish, line, note, table
from node.operations.catalogue import MODULES
from node.operations.errors import (
    CLASSES,
    NotPermitted,
    OperationError,
    OperationProblem,
)
from node.operations.exit_codes import MEANING, ExitCode
from node.operations.tokens import TokenList
from node.reference import every_verb
from tests.conftest import NewNode, Serving

runner = CliRunner()
HEAVY = (
    "hnswlib",
    "numpy",
    "aiohttp",
    "cryptography",
    "pydantic_settings",
    "node.node",
)


def verbs(raising: BaseException | None = None) -> VerbGroup:
    app = VerbGroup()

    @app.command()
    def probe(number: int = 1) -> None:
        """Probe."""
        if raising is not None:
            raise raising
        result = TokenList(tokens=())
        finish(result, lambda: line(f"{number} in {current().data}"), next_step="interlingua more")

    return app


def test_people_get_lines_and_a_next_step_on_standard_error(tmp_path: Path) -> None:
    done = runner.invoke(verbs(), ["--number", "7", "--data", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, f"7 in {tmp_path}\n")
    assert done.stderr == f"Next: interlingua more --data {tmp_path}\n"


def test_the_next_command_names_a_directory_only_where_the_option_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spaced = tmp_path / "a b"
    named = runner.invoke(verbs(), ["--data", str(spaced)])
    assert named.stderr == f"Next: interlingua more --data '{spaced}'\n"
    monkeypatch.setenv("INTERLINGUA_DATA", str(spaced))
    assert runner.invoke(verbs(), []).stderr == "Next: interlingua more\n"


def test_a_command_for_somebody_else_names_no_directory_of_this_node(tmp_path: Path) -> None:
    app = VerbGroup()

    @app.command()
    def invite() -> None:
        finish(TokenList(tokens=()), lambda: None, next_step="over there: interlingua peer request")

    done = runner.invoke(app, ["--data", str(tmp_path)])
    assert done.stderr == "Next: over there: interlingua peer request\n"


def test_quiet_says_nothing_but_the_result(tmp_path: Path) -> None:
    done = runner.invoke(verbs(), ["--quiet", "--data", str(tmp_path)])
    assert done.stderr == ""
    assert done.stdout != ""


def test_json_is_one_object_and_nothing_else() -> None:
    done = runner.invoke(verbs(), ["--json"])
    assert json.loads(done.stdout) == {"tokens": []}
    assert done.stderr == ""


def test_the_data_directory_comes_from_option_then_variable_then_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home" / "interlingua"
    assert f"in {home}" in runner.invoke(verbs(), []).stdout
    monkeypatch.setenv("INTERLINGUA_DATA", "/from/variable")
    assert "in /from/variable" in runner.invoke(verbs(), []).stdout
    assert "in /from/option" in runner.invoke(verbs(), ["--data", "/from/option"]).stdout


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_names_cause_and_fix_and_has_its_exit_code(kind: type[OperationError]) -> None:
    done = runner.invoke(verbs(kind("It broke.", fix="Mend it.")), ["--json"])
    assert done.exit_code == kind.exit_code
    assert done.stderr == "error: It broke.\nfix: Mend it.\n"
    problem = OperationProblem.model_validate(json.loads(done.stdout)["problem"])
    assert (problem.detail, problem.fix) == ("It broke.", "Mend it.")
    assert problem.exit_code == kind.exit_code


def test_an_unexpected_error_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    done = runner.invoke(verbs(RuntimeError("canary")), [])
    assert done.exit_code == ExitCode.FAILED
    assert "canary" not in done.stderr
    monkeypatch.setenv("INTERLINGUA_DEBUG", "1")
    assert "canary" in runner.invoke(verbs(RuntimeError("canary")), []).stderr


@pytest.mark.parametrize(
    ("raising", "code", "exit_code"),
    [
        (KeyboardInterrupt(), "interrupted", ExitCode.INTERRUPTED),
        (typer.Abort(), "aborted", ExitCode.FAILED),
        (typer.BadParameter("no such day", param_hint="--since"), "invalid-request", 2),
    ],
)
def test_whatever_ends_a_verb_is_one_object_with_its_code(
    raising: BaseException, code: str, exit_code: int
) -> None:
    done = runner.invoke(verbs(raising), ["--json"])
    assert done.exit_code == exit_code
    problem = json.loads(done.stdout)["problem"]
    assert (problem["code"], problem["exit_code"]) == (code, exit_code)


def test_a_partial_result_is_shown_and_has_its_code() -> None:
    app = VerbGroup()

    @app.command()
    def probe() -> None:
        """Probe."""
        finish(TokenList(tokens=()), lambda: line("a part"), exit_code=ExitCode.PARTIAL)

    done = runner.invoke(app, [])
    assert (done.exit_code, done.stdout) == (ExitCode.PARTIAL, "a part\n")


def test_tables_line_up_where_nobody_draws_them() -> None:
    app = VerbGroup()

    @app.command()
    def probe() -> None:
        """Probe."""
        table(("A", "LONG"), [("x", 1), ("yyy", 22)])

    assert runner.invoke(app, []).stdout == "A    LONG\nx    1\nyyy  22\n"


@pytest.mark.parametrize("width", [200, 50])
def test_no_terminal_is_too_narrow_for_an_id(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    terminal = StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    table(("PURPOSE", "STATE", "KEY"), [("sign", "in use", "k" * 43), ("log", "ending", "l" * 43)])
    shown = terminal.getvalue()
    assert "k" * 43 in shown
    assert "l" * 43 in shown


def test_no_words_of_others_steer_the_terminal() -> None:
    app = VerbGroup()
    words = "\x1b]0;title\x07 \x9b2J \u202egnp.exe \r ok"

    @app.command()
    def probe(fail: bool = False) -> None:
        """Probe."""
        line(words)
        note(words)
        table(("A", "B"), [(words, "x\ny")])
        if fail:
            raise OperationError(words, fix=words)

    done = runner.invoke(app, ["--fail"])
    assert done.stderr.count("?]0;title? ?2J ?gnp.exe ? ok") == 3
    assert done.stdout.count("?]0;title? ?2J ?gnp.exe ? ok") == 2
    assert "x y" in done.stdout
    assert not set("\x1b\x07\x9b\u202e\r") & set(done.stdout + done.stderr)


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANING) == set(ExitCode)
    assert NotPermitted.exit_code is ExitCode.REFUSED


def commands() -> Iterator[tuple[str, list[str]]]:
    for path, command in every_verb(typer.main.get_command(whole), ("interlingua",)):
        yield " ".join(path), [name for each in command.params for name in each.opts]


def test_every_verb_takes_the_common_options_and_is_described() -> None:
    for path, options in commands():
        assert {"--data", "--json", "--quiet"} <= set(options), path
    assert {*GROUPS, *SINGLE} <= set(ORDER), "a new verb needs its place in --help"


@dataclass(frozen=True)
class Ended:
    """What a command line ended with, and what it said."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the entry point of `interlingua` in this process."""
    for name in ("OPENBLAS_NUM_THREADS", "PYDANTIC_DISABLE_PLUGINS"):  # it sets what is not set
        monkeypatch.setenv(name, "1")

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["interlingua", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else int(bool(code)), *capsys.readouterr())

    return run


def test_help_loads_nothing_heavy() -> None:
    """The help of the fewest verbs first: what it loads stays loaded."""
    script = (
        "import sys\n"
        "from node.cli.main import main\n"
        "for verb in (['query'], ['collection'], []):\n"
        "    sys.argv = ['interlingua', *verb, '--help']\n"
        "    try:\n        main()\n    except SystemExit:\n        pass\n"
        f"    found = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "    print('loaded', *verb, found)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    loaded = [line for line in done.stdout.splitlines() if line.startswith("loaded")]
    assert loaded == ["loaded query []", "loaded collection []", "loaded []"], done.stderr


async def test_a_verb_on_a_running_node_loads_nothing_that_only_the_node_needs(
    new_node: NewNode, serving: Serving
) -> None:
    script = (
        "import sys\n"
        f"sys.argv = ['interlingua', 'collection', 'list', '--data', {str(new_node.path)!r}]\n"
        "from node.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert not ended.code\n"
        f"unwanted = {(*HEAVY, 'asyncio', 'structlog', 'rich', 'node.config')!r}\n"
        "print([name for name in unwanted if name in sys.modules])\n"
    )
    async with serving(new_node):
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True
        )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


# protocol.messages, whose offers these show, brings the signatures' libraries
SHOWING_MESSAGES = {"partners"}


def test_what_the_command_line_imports_of_operations_is_their_models_alone() -> None:
    modules = sorted(set(MODULES.values()) - {f"node.operations.{x}" for x in SHOWING_MESSAGES})
    script = (
        "import sys\n"
        f"for name in {modules!r}:\n    __import__(name)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_help_shows_every_verb_in_the_order_of_a_first_use(command: Command) -> None:
    listed = LazyGroup().list_commands(None)
    assert listed == [name for name in ORDER if name in {*GROUPS, *SINGLE}]
    shown = command("--help").out.split()
    assert set(listed) <= set(shown)


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["token", "creat"], "No such command 'creat'. Did you mean 'create'?"),
        (["tokn"], "No such command 'tokn'. Did you mean 'token'?"),
        (["token", "create"], "Missing argument 'name'."),
        (["status", "--unknown"], "No such option: --unknown."),
        (["query", "x"], "Missing option '--purpose'."),
        (
            ["query", "x", "--purpose", "care", "-k", "ten"],
            "Invalid value for '-k' / '--k': it must be a whole number, e.g. 10.",
        ),
        (
            ["audit", "report", "all"],
            "Invalid value for 'kind': 'all' is not one of"
            " 'disclosures', 'denied', 'exposure', 'subject'.",
        ),
    ],
)
def test_a_wrong_command_line_names_cause_and_fix_also_in_json(
    command: Command, arguments: list[str], cause: str
) -> None:
    done = command(*arguments, "--json")
    assert done.code == ExitCode.USAGE
    problem = OperationProblem.model_validate(json.loads(done.out)["problem"])
    assert (problem.code, problem.exit_code) == ("usage", ExitCode.USAGE)
    assert problem.detail == cause
    assert "--help` shows what it takes" in problem.fix
    assert done.err == f"error: {cause}\nfix: {problem.fix}\n"


@pytest.mark.parametrize("before", [["--data", "x", "status"], ["key", "--json", "list"]])
def test_an_option_of_every_verb_before_it_is_said_to_belong_after_it(
    command: Command, before: list[str]
) -> None:
    done = command(*before)
    assert done.code == ExitCode.USAGE
    assert "after the verb" in done.err


def test_the_version_is_that_of_the_distribution() -> None:
    shown = CliRunner().invoke(whole, ["--version"])
    assert shown.exit_code == 0
    assert shown.stdout == f"interlingua {version('interlingua')}\n"


def test_a_group_without_a_verb_shows_its_help(command: Command) -> None:
    done = command("token")
    assert done.code == ExitCode.USAGE
    assert "create" in done.out
    assert "Traceback" not in done.err
