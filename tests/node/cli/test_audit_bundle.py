"""`interlingua audit export` and `audit verify BUNDLE`, as an owner and an auditor use them."""

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from node.audit.entry import Entry
from node.cli.invocation import Invocation
from node.cli.main import app
from node.cli.new_file import new_file
from node.cli.output import is_terminal, table
from node.cli.progress import shown_progress
from node.content.content import Content
from node.federation.actors import Actors
from node.node import Node
from node.operations.exit_codes import ExitCode
from node.passphrase import Passphrase
from node.reference import every_verb
from protocol.bundle import MAX_BUNDLE_LINE
from protocol.leaf import Sent
from protocol.limits import MAX_ANSWER_BYTES
from tests.conftest import MakeNode, NewNode
from tests.node.audit.entries import event, exchange
from tests.node.cli.test_audit import fill
from tests.protocol.leaf_samples import question

DOCS = Path(__file__).parents[3] / "docs" / "audit.md"
INSTALLED = re.compile(r"auditor/bin/pip install ((?:[a-z]+ ?)+)\n")
WITHOUT = """
import sys
for name in sys.argv.pop(1).split():
    sys.modules[name] = None  # importing it now fails
from node.cli.main import main
first, *rest = " ".join(sys.argv[1:]).split(" then ")
for line in (first, *rest):
    sys.argv = ["interlingua", *shlex_split(line)]
    try:
        main()
    except SystemExit as ended:
        if ended.code or not rest:
            raise
""".replace("shlex_split", "__import__('shlex').split")


def missing() -> list[str]:
    """What the project depends on, without what docs/audit.md tells an auditor to install."""
    (told,) = INSTALLED.findall(DOCS.read_text("utf-8"))
    project = tomllib.loads((DOCS.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    named = (re.split(r"[>;\[ ]", each)[0] for each in project["dependencies"])
    left = sorted(name.replace("-", "_") for name in {*named} - {*told.split()})
    assert {"hnswlib", "aiohttp", "numpy", "jinja2"} <= {*left}
    return left


def without_libraries(
    folder: Path, *arguments: str, without: Iterable[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run the command where libraries of a node are missing, in an empty folder.

    Several commands, each ended by the word `then`, run until one does not succeed. `without`: the
    missing ones, by default all that an auditor is not told to install.
    """
    line = [each if each == "then" else shlex.quote(each) for each in ("audit", *arguments)]
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, " ".join(without or missing()), *line],
        env={"HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[3])},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments])


def verified(*arguments: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(run("verify", *arguments, "--json").stdout)
    return loaded


@pytest.fixture
def bank(make_node: MakeNode) -> NewNode:
    node = make_node("bank.example")
    fill(node, *(event(f"event {n}") for n in range(3)), *(exchange(n) for n in range(2)))
    return node


def exported(bank: NewNode, out: Path, *arguments: str) -> dict[str, Any]:
    result = run("export", "--out", str(out), *arguments, "--data", str(bank.path), "--json")
    assert result.exit_code == 0, result.output
    assert out.stat().st_mode & 0o777 == 0o600
    loaded: dict[str, Any] = json.loads(result.stdout)
    return loaded


def test_an_auditor_without_the_nodes_libraries_verifies_what_an_owner_exported(
    bank: NewNode, tmp_path: Path
) -> None:
    out, elsewhere = tmp_path / "bundle.jsonl", tmp_path / "auditor"
    elsewhere.mkdir()
    written = exported(bank, out, "--from", "1", "--to", "4", "--peer", "clinic.example")
    assert (written["begins"], written["ends"]) == (1, 5)
    assert (written["clear"], written["hidden"], written["root_documents"]) == (2, 2, 1)
    done = without_libraries(
        elsewhere, "verify", str(out), "--root", bank.fingerprint, "--json", "--quiet"
    )
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert (result["verdict"], result["root_given"], result["complete"]) == (
        "SELF-SIGNED",
        True,
        True,
    )
    assert result["part"]["index"] == written["index"]
    assert "2 are in clear and 2 are hashes" in result["completeness"]
    one_side = without_libraries(elsewhere, "reconcile", str(out), str(out))
    assert "Both bundles are of bank.example" in one_side.stderr
    assert list(elsewhere.iterdir()) == []


def test_an_auditor_without_the_nodes_libraries_reads_and_verifies_a_copy_of_the_log(
    bank: NewNode, tmp_path: Path
) -> None:
    copy, receipt = tmp_path / "copy.db", tmp_path / "receipt.txt"
    with (
        closing(sqlite3.connect(bank.data.log_file)) as log,
        closing(sqlite3.connect(copy)) as other,
    ):
        log.backup(other)
    receipt.write_text(run("receipt", "3", "--log", str(copy)).stdout)
    (root,) = bank.data.roots.glob("*.json")
    elsewhere = tmp_path / "auditor"
    elsewhere.mkdir()
    commands = [
        ["verify", "--log", str(copy), "--root", str(root)],
        ["verify", "--receipt", str(receipt), "--root", str(root)],
        ["fsck", "--log", str(copy)],
        ["search", "--log", str(copy), "--limit", "1"],
        ["report", "disclosures", "--log", str(copy)],
        ["report", "denied", "--log", str(copy), "--format", "csv"],
        ["receipt", "3", "--log", str(copy)],
    ]
    line = " then audit ".join(shlex.join(each) for each in commands).split(" ")
    done = without_libraries(elsewhere, *line)
    assert done.returncode == 0, done.stderr
    for told in ("verdict   SELF-SIGNED", "leaf 3 of", "whole", "Accounting of disclosures"):
        assert told in done.stdout
    # what it names next reads the same log
    assert f"Next: interlingua audit search --before 4 --limit 1 --log {copy}" in done.stderr
    page = without_libraries(
        elsewhere, "report", "exposure", "--log", str(copy), "--format", "html"
    )
    assert "error: The package that gives jinja2 is not installed." in page.stderr
    assert list(elsewhere.iterdir()) == []


async def own_question(clinic: NewNode) -> int:
    """Let the stopped node have asked something that it keeps; returns the leaf's index."""
    async with Node.opened(clinic.data, clinic.settings, passphrase=Passphrase()) as node:
        actor = Actors(node.identity.master()).commitment("an opener", "operator")
        body = b'{"question":"what was asked"}'
        leaf = Sent(**{**question(body), "peer": "bank.example", "actor": actor})
        said = (Content("asked", body), Content("actor", b"an opener"))
        node.past_answers.learn(
            "space", np.ones((1, 8), np.float32), [{("bank.example", "papers"): 1.0}]
        )
        return (await node.log.append(Entry(leaf, content=said))).index


async def test_every_verb_reads_a_stopped_nodes_directory_without_index_network_or_arrays(
    make_node: MakeNode, tmp_path: Path
) -> None:
    clinic = make_node("clinic.example", {"audit.actor_openers": ["operator"]})
    index = str(await own_question(clinic))
    bundle, elsewhere = tmp_path / "bundle.jsonl", tmp_path / "auditor"
    elsewhere.mkdir()
    page = ("--format", "html", "--out", str(tmp_path / "page.html"))
    here = [
        *(["verify"], ["fsck"], ["search"], ["receipt", index], ["report", "disclosures"]),
        *(["report", "denied"], ["report", "exposure", *page]),
        *(["export", "--out", str(bundle)], ["content", index], ["witness", "list"]),
        *(["witness", "keys"], ["open-actor", index, "--case", "2026-014"]),
        *(["erase", index, "--dry-run"], ["erase", index, "--yes"]),
    ]
    commands = [[*each, "--data", str(clinic.path)] for each in here]
    commands.append(["verify", str(bundle)])
    line = " then audit ".join(shlex.join(each) for each in commands).split(" ")
    done = without_libraries(elsewhere, *line, without=("hnswlib", "aiohttp", "numpy"))
    assert done.returncode == 0, done.stdout + done.stderr
    for told in ("whole", "asked by   operator", "what was asked", "erased"):
        assert told in done.stdout
    verbs = {
        path[2] for path, _ in every_verb(get_command(app), ("interlingua",)) if "audit" in path
    }
    assert {each[0] for each in commands} == verbs - {"reconcile"}  # which reads bundles alone


def test_without_a_fingerprint_the_root_is_the_bundles_own_word(
    bank: NewNode, tmp_path: Path
) -> None:
    out = tmp_path / "bundle.jsonl"
    exported(bank, out)
    shown = run("verify", str(out))
    assert shown.exit_code == 0
    assert "verdict   SELF-SIGNED" in shown.stdout
    assert "The root key was taken from the bundle itself" in shown.stderr
    assert bank.fingerprint in shown.stdout
    assert verified(str(out))["root_given"] is False


def test_an_export_is_in_the_log_and_a_file_is_never_replaced(
    bank: NewNode, tmp_path: Path
) -> None:
    out = tmp_path / "bundle.jsonl"
    index = exported(bank, out, "--purpose", "research")["index"]
    again = run("export", "--out", str(out), "--data", str(bank.path))
    assert (again.exit_code, "exists already" in again.stderr) == (ExitCode.FAILED, True)
    shown = run("search", "--type", "export", "--data", str(bank.path), "--json")
    (leaf,) = json.loads(shown.stdout)["leaves"]
    assert leaf["index"] == index
    assert leaf["fields"]["purpose"] == "research"
    assert leaf["fields"]["by"] == "operator"
    assert run("verify", "--data", str(bank.path)).exit_code == 0


def test_a_name_or_a_part_that_cannot_be_handed_out_is_known_before_it_is_logged(
    bank: NewNode, tmp_path: Path
) -> None:
    dangling, good = tmp_path / "dangling", tmp_path / "bundle.jsonl"
    dangling.symlink_to("nowhere")
    for out, *rest, code in (
        (str(dangling), ExitCode.FAILED),
        ("/proc/bundle.jsonl", ExitCode.FAILED),
        (str(tmp_path / ("n" * 300)), ExitCode.FAILED),
        (str(good), "--peer", "/etc", ExitCode.USAGE),
        (str(good), "--peer", "", ExitCode.USAGE),
        (str(good), "--from", "4", "--to", "2", ExitCode.USAGE),
    ):
        refused = run("export", "--out", out, *map(str, rest), "--data", str(bank.path))
        assert refused.exit_code == code, refused.output
        assert "Unexpected" not in refused.output
        assert "fix: " in refused.stderr
    shown = run("search", "--type", "export", "--data", str(bank.path), "--json")
    assert json.loads(shown.stdout)["leaves"] == []
    assert list(tmp_path.glob("*.jsonl")) == []


def test_a_bundle_of_another_log_than_was_meant_is_not_let_pass(
    bank: NewNode, make_node: MakeNode, tmp_path: Path
) -> None:
    other, out = make_node("court.example"), tmp_path / "bundle.jsonl"
    exported(bank, out)
    root = next(other.data.roots.glob("*.json"))
    (folder := bank.data.peers / "roots" / "court.example").mkdir(parents=True)
    (folder / f"1.{'0' * 16}.json").write_bytes(root.read_bytes())
    swapped = tmp_path / "swapped.jsonl"
    exported(bank, swapped)  # with a document of the other, whose fingerprint is in it then
    for given, code in (
        ([bank.fingerprint, other.fingerprint], ExitCode.OK),
        ([other.fingerprint], ExitCode.UNVERIFIED),
        ([], ExitCode.OK),
    ):
        words = [word for each in given for word in ("--root", each)]
        assert run("verify", str(swapped), *words).exit_code == code
    told = verified(str(swapped), "--root", other.fingerprint)
    assert [found["kind"] for found in told["findings"]] == ["root-unproved"]
    assert "none of the fingerprints given is that of bank.example" in str(told["findings"])


def test_names_that_are_no_text_and_streams_that_are_closed_end_no_verb(
    bank: NewNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = tmp_path / os.fsdecode(b"copy\xff.db")
    with closing(sqlite3.connect(bank.data.log_file)) as log:
        log.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    (tmp_path / "copy.db").rename(strange)
    assert run("verify", "--log", str(strange)).exit_code == 0
    out = tmp_path / os.fsdecode(b"out\xff.jsonl")
    assert Path(exported(bank, out)["file"]) == out
    for words in (
        ["erase", "--peer", os.fsdecode(b"\xff"), "--yes", "--data", str(bank.path)],
        ["receipt", str(2**63), "--data", str(bank.path)],
    ):
        done = run(*words)
        assert done.exit_code == ExitCode.USAGE or done.return_value == ExitCode.USAGE, words
        assert "Unexpected" not in done.output
    monkeypatch.setattr("sys.stdout", None)
    assert not is_terminal(sys.stdout)
    table(("A",), [("b",)])
    with shown_progress(Invocation(tmp_path)) as progress:
        monkeypatch.setattr("sys.stderr", None)
        progress(1, 2, "leaves")


def test_a_file_of_which_writing_failed_is_gone(tmp_path: Path) -> None:
    def write() -> None:
        with new_file(tmp_path / "out") as file:
            file.write(b"the first half")
            Path("/dev/full").write_bytes(b"the second half")

    with pytest.raises(OSError, match="No space left"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_what_is_verified_is_a_whole_file_of_a_fitting_size(bank: NewNode, tmp_path: Path) -> None:
    out, pipe, large = (tmp_path / name for name in ("bundle.jsonl", "pipe", "large"))
    exported(bank, out)
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate(MAX_ANSWER_BYTES + 1)  # no byte of it is on the disk
    root = str(next(bank.data.roots.glob("*.json")))
    for words, says in (
        (["verify", str(pipe)], "pipe or device"),
        (["verify", str(out), "--seen", str(pipe)], "pipe or device"),
        (["verify", str(out), "--seen", "/dev/zero"], "pipe or device"),
        (["verify", "--receipt", str(pipe), "--root", root], "pipe or device"),
        (["verify", "--log", str(pipe)], "pipe or device"),
        (["search", "--log", str(pipe)], "pipe or device"),
        (["reconcile", str(out), str(pipe)], "pipe or device"),
        (["verify", str(out), "--seen", str(large)], "is larger than"),
        (["verify", "--receipt", str(large), "--root", root], "is larger than"),
        (["verify", "--receipt", root, "--root", str(large)], "is larger than"),
    ):
        refused = run(*words)
        assert (refused.exit_code, says in refused.stderr) == (ExitCode.USAGE, True), words


def test_a_file_that_holds_no_checkpoint_is_not_taken_for_one_that_was_seen(
    bank: NewNode, tmp_path: Path
) -> None:
    out, text = tmp_path / "bundle.jsonl", tmp_path / "text"
    exported(bank, out)
    text.write_text("no checkpoint\n")
    for seen in (text, out):
        for words in ([str(out)], ["--log", str(bank.data.log_file)]):
            refused = run("verify", *words, "--seen", str(seen))
            assert refused.exit_code == ExitCode.UNVERIFIED, refused.output
            assert f"{seen.name} holds neither a checkpoint nor a receipt" in refused.stderr
            assert "fix: " in refused.stderr
    bundle = out.read_bytes()
    out.write_bytes(bundle.replace(b'{"lines"', b" " * MAX_BUNDLE_LINE + b'{"lines"'))
    told = verified(str(out))
    assert [found["kind"] for found in told["findings"]] == ["bundle-malformed"]


def test_a_time_beyond_the_calendar_is_shown_and_ends_no_verb(
    make_node: MakeNode, tmp_path: Path
) -> None:
    """Whoever keeps a log states the times in it, also when its clock leaps."""
    node, out = make_node("bank.example"), tmp_path / "bundle.jsonl"
    late = 2**53 - 1
    acted, asked = event(), exchange(0)
    told = (replace(e, leaf=e.leaf.model_copy(update={"at": late})) for e in (acted, asked))
    fill(node, *told)
    exported(node, out)
    for words in (
        ["search", "--data", str(node.path)],
        ["search", "--format", "html", "--data", str(node.path)],
        ["report", "disclosures", "--data", str(node.path)],
        ["report", "denied", "--period", "quarter", "--data", str(node.path)],
        ["fsck", "--data", str(node.path)],
        ["verify", str(out)],
    ):
        shown = run(*words)
        assert "Unexpected" not in shown.output, words
    assert f"{late} s" in run("search", "--data", str(node.path)).stdout
    assert "after 9999" in run("report", "disclosures", "--data", str(node.path)).stdout


def test_a_changed_bundle_and_a_part_that_is_not_there_have_their_exit_codes(
    bank: NewNode, tmp_path: Path
) -> None:
    out, beyond = tmp_path / "bundle.jsonl", tmp_path / "beyond"
    exported(bank, out)
    out.write_bytes(out.read_bytes().replace(b'"event 1"', b'"event 7"'))
    assert run("verify", str(out)).exit_code == ExitCode.UNVERIFIED
    assert [found["kind"] for found in verified(str(out))["findings"]] == ["bundle-damaged"]
    refused = run("export", "--out", str(beyond), "--to", "99", "--data", str(bank.path))
    assert (refused.exit_code, beyond.exists()) == (ExitCode.USAGE, False)


def test_options_of_other_verifications_are_refused_beside_a_bundle(
    bank: NewNode, tmp_path: Path
) -> None:
    out = tmp_path / "bundle.jsonl"
    exported(bank, out)
    for arguments in (
        [str(out), "--log-key", "x"],
        ["--seen", str(out), "--receipt", str(out)],
        ["--receipt", str(out), "--root", "no such file"],
        ["--root", str(out)],
    ):
        assert run("verify", *arguments).exit_code == ExitCode.USAGE, arguments


def test_two_sides_are_joined_and_what_one_side_lacks_is_named(
    bank: NewNode, make_node: MakeNode, tmp_path: Path
) -> None:
    clinic = make_node("clinic.example")
    ours, theirs = tmp_path / "clinic.jsonl", tmp_path / "bank.jsonl"
    exported(clinic, ours)
    exported(bank, theirs)
    done = run("reconcile", str(ours), str(theirs), "--root", clinic.fingerprint)
    assert done.exit_code == ExitCode.DIVERGED
    assert done.stdout.count("only-responder") == 2
    assert "The root key of bank.example was taken from its bundle" in done.stderr
    result = json.loads(run("reconcile", str(theirs), str(ours), "--json").stdout)
    assert (result["contradictory"], result["agreed"]) == (True, 0)
    assert {each["asker"] for each in result["differences"]} == {"clinic.example"}

    third = make_node("court.example")  # whose fingerprint is in a bundle, as of a partner
    (folder := clinic.data.peers / "roots" / "court.example").mkdir(parents=True)
    root = next(third.data.roots.glob("*.json")).read_bytes()
    (folder / f"1.{'0' * 16}.json").write_bytes(root)
    exported(clinic, with_third := tmp_path / "with_third.jsonl")
    for given, code, says in (
        ([third], ExitCode.UNVERIFIED, "is that of clinic.example"),
        ([clinic, third], ExitCode.UNVERIFIED, "is that of bank.example"),
        ([clinic, bank, third], ExitCode.DIVERGED, ""),
        ([clinic, bank], ExitCode.DIVERGED, ""),
    ):
        words = [word for each in given for word in ("--root", each.fingerprint)]
        joined = run("reconcile", str(with_third), str(theirs), *words)
        assert (joined.exit_code, says in joined.stderr) == (code, True), joined.output

    few = tmp_path / "few.jsonl"
    exported(clinic, few, "--purpose", "treatment")
    assert run("reconcile", str(few), str(theirs)).exit_code == ExitCode.PARTIAL

    ours.write_bytes(ours.read_bytes()[:-1])
    refused = run("reconcile", str(ours), str(theirs))
    assert (refused.exit_code, "bundle-cut" in refused.stderr) == (ExitCode.UNVERIFIED, True)
