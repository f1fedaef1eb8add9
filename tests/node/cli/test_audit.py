"""`interlingua audit` on a node's directory: what people and programs see, and the exit codes."""

import asyncio
import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from keys.keyfile import read_key
from node.audit.entry import Entry
from node.audit.log import AuditLog
from node.cli.found_leaves import row
from node.cli.main import app
from node.operations.audit_search import FoundLeaf
from node.operations.exit_codes import ExitCode
from node.passphrase import Passphrase
from protocol.canonical import digest
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.leaf import AuditRead
from protocol.leaf_filter import LeafFilter
from protocol.merkle import leaf_hash
from protocol.note import VerifierKey
from protocol.tlog_proof import TlogProof
from tests.conftest import MakeNode, NewNode, Serving
from tests.node.audit.entries import event, exchange
from tests.node.audit.tampering import tamper
from tests.protocol.leaf_samples import AT, SIGNER, answered

ORIGIN = "bank.example/interlingua"


def audit(node: NewNode, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments, "--data", str(node.path)])


def as_json(node: NewNode, *arguments: str) -> dict[str, Any]:
    result = audit(node, *arguments, "--json")
    assert result.exit_code in (0, ExitCode.UNVERIFIED), result.output
    loaded: dict[str, Any] = json.loads(result.stdout)
    return loaded


def log_key(node: NewNode) -> str:
    signer = read_key(node.data.key_file("log"), None, purpose="log")
    return str(VerifierKey(ORIGIN, signer.public))


def fill(node: NewNode, *entries: Entry) -> None:
    async def append() -> None:
        signer = read_key(node.data.key_file("log"), None, purpose="log")
        log = AuditLog.open(node.data.log_file, signer, ORIGIN, lambda: AT)
        for entry in entries:
            await log.append(entry)
        await log.close()

    asyncio.run(append())


@pytest.fixture
def bank(make_node: MakeNode) -> NewNode:
    node = make_node("bank.example")
    fill(node, *(event(f"event {n}") for n in range(3)), *(exchange(n) for n in range(2)))
    return node


def test_search_lists_the_newest_leaves_oldest_first(bank: NewNode) -> None:
    shown = audit(bank, "search").stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["INDEX", "0", "1", "2", "3", "4", "5"]
    assert shown[-1] == "5 of 5 leaves"
    assert "clinic.example" in shown[-2]
    assert "purpose=research" in shown[-2]
    assert [leaf["index"] for leaf in as_json(bank, "search", "--limit", "2")["leaves"]] == [4, 3]


def test_what_was_found_is_written_as_a_sheet_with_every_field_and_as_a_page(
    bank: NewNode, tmp_path: Path
) -> None:
    sheet = audit(bank, "search", "--type", "answered", "--format", "csv").stdout
    title, columns, *rows = csv.reader(io.StringIO(sheet))
    assert title == ["Leaves of the audit log"]
    assert columns[:4] == ["Index", "Time", "Type", "Partner"]
    leaf = as_json(bank, "search", "--type", "answered", "--limit", "1")["leaves"][0]["fields"]
    assert {*columns[4:]} == {*leaf} - {"type", "at", "peer"}
    assert [row[0] for row in rows] == ["3", "4"]
    assert dict(zip(columns, rows[-1], strict=True))["query"] == leaf["query"]
    page = tmp_path / "page.html"
    shown = audit(bank, "search", "--limit", "2", "--format", "html", "--out", str(page))
    assert "2 of 5 leaves" in shown.stdout
    assert page.stat().st_mode & 0o777 == 0o600
    text = page.read_text()
    assert "Older leaves pass too" in text
    assert as_json(bank, "fsck")["root"] in text
    assert leaf["actor"] not in text
    assert "exists already" in audit(bank, "search", "--out", str(page)).stderr


@pytest.mark.parametrize(
    ("filters", "indexes"),
    [
        (["--peer", "clinic.example"], [4, 3]),
        (["--peer", "nobody.example"], []),
        (["--type", "admin"], [2, 1, 0]),
        (["--type", "answered", "--limit", "1"], [4]),
        (["--since", "2026-09-21T14:13:20Z"], [4, 3, 2, 1, 0]),
        (["--since", "2026-09-21T14:13:21"], []),
        (["--until", "2026-09-22"], [4, 3, 2, 1, 0]),
        (["--until", "2026-09-21"], []),
        (["--purpose", "research", "--collection", "papers"], [4, 3]),
        (["--purpose", "other"], []),
        (["--decision", "answered", "--type", "answered"], [4, 3]),
        (["--query", digest(b'{"id":0,"v":1}')], [3]),
        (["--answer", digest(b'answer {"id":1,"v":1}')], [4]),
        (["--key", SIGNER.kid, "--before", "4"], [3]),
        (["--key", "A" * 43], []),
        (["--actor", "nobody"], []),
    ],
)
def test_search_filters(bank: NewNode, filters: list[str], indexes: list[int]) -> None:
    assert [leaf["index"] for leaf in as_json(bank, "search", *filters)["leaves"]] == indexes


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"event": "cutover", "version": "v2"}, "event=cutover version=v2"),
        (
            {"basis": "age", "records": {"actor": 1, "asked": 2}},
            "basis=age records=actor:1,asked:2",
        ),
    ],
)
def test_a_line_says_which_version_and_what_was_erased(fields: dict[str, Any], words: str) -> None:
    leaf = FoundLeaf(index=1, at=0, type="erasure", peer=None, fields=fields)
    assert row(leaf)[-1] == words


def test_search_goes_on_where_a_page_ended(bank: NewNode) -> None:
    first = as_json(bank, "search", "--purpose", "research", "--limit", "1")
    assert ([leaf["index"] for leaf in first["leaves"]], first["before"]) == ([4], 4)
    said = audit(bank, "search", "--since", "2026-09-21T14:13:20", "--limit", "2").stderr
    assert "search --since 2026-09-21T14:13:20Z --before 3 --limit 2" in " ".join(said.split())
    last = as_json(bank, "search", "--purpose", "research", "--limit", "1", "--before", "4")
    assert ([leaf["index"] for leaf in last["leaves"]], last["before"]) == ([3], None)


def test_what_somebody_searched_for_is_not_what_a_leaf_says(make_node: MakeNode) -> None:
    node = make_node("bank.example")
    read = AuditRead(
        at=AT, reading="search", filter=LeafFilter(purpose="research"), size=9, count=1
    )
    fill(node, Entry(read))
    assert as_json(node, "search", "--purpose", "research")["leaves"] == []
    (leaf,) = as_json(node, "search", "--type", "audit-read")["leaves"]
    assert leaf["fields"]["filter"] == {"purpose": "research"}


def test_search_gives_programs_all_fields_but_the_signature(bank: NewNode) -> None:
    (leaf,) = as_json(bank, "search", "--limit", "1")["leaves"]
    assert leaf["fields"]["query"] == digest(b'{"id":1,"v":1}')
    assert leaf["fields"]["charged"] == 1
    assert "evidence" not in leaf["fields"]


def test_a_time_that_is_none_is_a_usage_error(bank: NewNode) -> None:
    result = audit(bank, "search", "--since", "yesterday")
    assert result.exit_code == ExitCode.USAGE
    assert "2026-04-01" in result.stderr


def test_verify_and_fsck_of_a_whole_log_succeed(bank: NewNode) -> None:
    verified = as_json(bank, "verify")
    assert verified["verdict"] == "SELF-SIGNED"
    assert verified["log_key_from"] == "root document"
    assert verified["verifier_key"] == log_key(bank)
    assert (verified["size"], verified["requests"]) == (5, 2)
    assert as_json(bank, "fsck")["whole"] is True
    people = audit(bank, "verify")
    assert people.exit_code == 0
    assert "verdict   SELF-SIGNED" in people.stdout
    assert "never rewritten" in " ".join(people.stderr.split())


def test_a_damaged_log_is_named_and_ends_with_its_own_exit_code(bank: NewNode) -> None:
    tamper(bank.data.log_file, "DELETE FROM leaves WHERE idx > 2")
    for verb in ("verify", "fsck"):
        result = audit(bank, verb)
        assert result.exit_code == ExitCode.UNVERIFIED
        assert "log-shortened" in result.stdout
    assert as_json(bank, "verify")["verdict"] == "INVALID"
    assert audit(bank, "search").exit_code == 0


def test_a_log_that_another_key_signed_is_invalid(make_node: MakeNode, bank: NewNode) -> None:
    other = make_node("other.example")
    assert as_json(bank, "verify", "--log-key", log_key(other))["verdict"] == "INVALID"
    bank.data.log_file.rename(other.data.log_file)
    assert as_json(other, "verify")["verdict"] == "INVALID"


def test_a_bare_copy_is_verified_without_a_node(bank: NewNode, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(bank.data.log_file.read_bytes())
    alone = as_json(bank, "verify", "--log", str(copy))
    assert (alone["verdict"], alone["log_key_from"]) == ("SELF-SIGNED", "the log itself")
    told = as_json(bank, "verify", "--log", str(copy), "--log-key", log_key(bank))
    assert (told["verdict"], told["log_key_from"]) == ("SELF-SIGNED", "given")


def test_a_log_is_compared_with_what_others_hold_of_it(bank: NewNode, tmp_path: Path) -> None:
    old, receipt = tmp_path / "old.db", tmp_path / "answer.receipt"
    fill(bank)
    old.write_bytes(bank.data.log_file.read_bytes())
    fill(bank, exchange(9))
    receipt.write_text(audit(bank, "receipt", "5").stdout)  # as a partner would hold it
    assert as_json(bank, "verify", "--seen", str(receipt))["compared"] == 1
    back = audit(bank, "verify", "--log", str(old), "--seen", str(receipt))
    assert back.exit_code == ExitCode.UNVERIFIED
    assert "log-shortened: 5 leaves are here, and elsewhere the log's key signed 6" in back.stdout
    signer = read_key(bank.data.key_file("log"), None, purpose="log")
    forked, strange = tmp_path / "forked", tmp_path / "strange"
    forked.write_bytes(sign_checkpoint(Checkpoint(ORIGIN, 3, leaf_hash(b"x")), signer))
    strange.write_bytes(sign_checkpoint(Checkpoint(ORIGIN, 3, leaf_hash(b"x")), SIGNER))
    other = audit(bank, "verify", "--seen", str(forked), "--seen", str(strange))
    assert other.exit_code == ExitCode.DIVERGED
    assert "log-forked: the log's key signed another tree of its first 3 leaves" in other.stdout
    assert "not compared: a checkpoint that proves nothing" in other.stdout


def test_how_many_are_needed_goes_with_the_witnesses_that_are_known_here(bank: NewNode) -> None:
    assert as_json(bank, "verify", "--needed", "3")["needed"] == 3
    unknown = audit(bank, "search", "--decision", "maybe")
    assert unknown.exit_code == ExitCode.USAGE
    assert "decisions are answered, repeated, denied, error" in unknown.stderr


def test_what_is_no_bundle_is_named_and_nothing_else_is_told_of_it(
    bank: NewNode, tmp_path: Path
) -> None:
    shown = audit(bank, "verify", str(bank.data.log_file))
    assert shown.exit_code == ExitCode.UNVERIFIED
    assert [text.split()[0] for text in shown.stdout.splitlines()] == ["WRONG", "verdict"]
    assert "verified with --log" in shown.stderr
    nowhere = tmp_path / "no folder" / "bundle.jsonl"
    before = as_json(bank, "fsck")["size"]
    assert "There is no folder" in audit(bank, "export", "--out", str(nowhere)).stderr
    assert as_json(bank, "fsck")["size"] == before  # an export that cannot be written is not logged


def test_a_missing_log_is_an_error_with_a_fix(make_node: MakeNode) -> None:
    result = audit(make_node("new.example"), "fsck")
    assert result.exit_code == ExitCode.FAILED
    assert "its node was never started, or the file is gone" in result.stderr
    assert "fix: interlingua serve" in result.stderr


def test_a_receipt_is_exported_and_checked_anywhere(bank: NewNode, tmp_path: Path) -> None:
    file = tmp_path / "answer.receipt"
    file.write_text(audit(bank, "receipt", "3").stdout)
    checked = as_json(bank, "verify", "--receipt", str(file), "--log-key", log_key(bank))
    assert (checked["verdict"], checked["index"], checked["size"]) == ("SELF-SIGNED", 3, 5)
    assert checked["leaf"]["purpose"] == "research"
    assert checked["payload_checked"] is False
    people = audit(bank, "verify", "--receipt", str(file), "--log-key", log_key(bank))
    assert "leaf 3 of 5 in bank.example/interlingua: answered" in people.stdout
    assert audit(bank, "receipt", "9").exit_code == ExitCode.FAILED


def test_a_whole_answer_is_checked_with_its_payload(make_node: MakeNode, tmp_path: Path) -> None:
    bank = make_node("bank.example")
    payload = b'{"decision":"answered"}'
    leaf = answered(charged=0, exposed=None, answer=digest(payload))
    fill(bank, Entry(leaf))
    file = tmp_path / "answer.body"
    receipt = audit(bank, "receipt", "0").stdout.encode()
    file.write_bytes(payload + b"\n" + receipt)
    arguments = ("verify", "--receipt", str(file), "--log-key", log_key(bank))
    assert as_json(bank, *arguments)["payload_checked"] is True
    file.write_bytes(payload.replace(b"answered", b"denied!!") + b"\n" + receipt)
    assert audit(bank, *arguments).exit_code == ExitCode.UNVERIFIED
    for words in ((*arguments[:-1], "no key"), ("verify", "--log-key", "no+key")):
        done = audit(bank, *words)
        assert done.exit_code == ExitCode.USAGE
        assert "--log-key is no verifier key" in done.stderr


def test_a_root_document_tells_the_keys_of_a_log_and_where_each_ended(
    make_node: MakeNode, bank: NewNode, tmp_path: Path
) -> None:
    files = (tmp_path / "before", tmp_path / "after")
    files[0].write_text(audit(bank, "receipt", "3").stdout)
    rotate = ["key", "rotate", "log", "--now", "--json", "--data", str(bank.path)]
    version = json.loads(CliRunner().invoke(app, rotate).stdout)["version"]
    files[1].write_text(audit(bank, "receipt", "3").stdout)
    given = ("--root", str(bank.data.root_file(version)))
    for file in files:
        assert as_json(bank, "verify", "--receipt", str(file), *given)["verdict"] == "SELF-SIGNED"
    copy = as_json(bank, "verify", "--log", str(bank.data.log_file), *given)
    assert (copy["findings"], copy["log_key_from"]) == ([], "given root document")
    assert "Compare the fingerprint" in audit(bank, "verify", "--receipt", str(file), *given).stderr
    signer = read_key(bank.data.key_file("log"), None, purpose="log")
    leaf = base64.b64decode(files[0].read_bytes().partition(b"\n")[0])
    beyond = sign_checkpoint(Checkpoint(ORIGIN, 999, leaf_hash(leaf)), signer)
    files[0].write_bytes(base64.b64encode(leaf) + b"\n" + TlogProof(0, (), beyond).encode())
    refused = audit(bank, "verify", "--receipt", str(files[0]), *given)
    assert refused.exit_code == ExitCode.UNVERIFIED
    assert f"{signer.kid} signs from 0 leaves to" in " ".join(refused.stderr.split())
    assert audit(bank, "verify", *given).exit_code == ExitCode.USAGE
    no_root = ("verify", "--receipt", str(files[1]), "--root", str(files[1]))
    assert audit(bank, *no_root).exit_code == ExitCode.UNVERIFIED
    others = str(make_node("other.example").data.root_file(1))
    foreign = audit(bank, "verify", "--log", str(bank.data.log_file), "--root", others)
    assert foreign.exit_code == ExitCode.UNVERIFIED
    assert "give that of the log's owner" in foreign.stderr


def test_a_changed_receipt_or_another_logs_key_is_refused(
    make_node: MakeNode, bank: NewNode, tmp_path: Path
) -> None:
    content = audit(bank, "receipt", "3").stdout.encode()
    encoded, _, proof = content.partition(b"\n")
    leaf = base64.b64decode(encoded).replace(b"research", b"treatmen")
    key, file = log_key(bank), tmp_path / "receipt"
    other = log_key(make_node("other.example"))
    for changed, with_key in (
        (base64.b64encode(leaf) + b"\n" + proof, key),
        (content.replace(b"index 3", b"index 2"), key),
        (content, other),
        (proof, key),
        (b"\xff\xfe", key),
        (b"", key),
    ):
        file.write_bytes(changed)
        result = audit(bank, "verify", "--receipt", str(file), "--log-key", with_key)
        assert result.exit_code == ExitCode.UNVERIFIED
        assert "receipt does not verify" in result.stderr
    assert audit(bank, "verify", "--receipt", str(file)).exit_code == ExitCode.USAGE


async def test_it_all_works_while_the_node_runs(make_node: MakeNode, serving: Serving) -> None:
    node = make_node("bank.example")
    async with serving(node):
        for verb in ("search", "verify", "fsck"):
            result = await asyncio.to_thread(audit, node, verb, "--json")
            assert result.exit_code == 0, result.output
        started = json.loads((await asyncio.to_thread(audit, node, "search", "--json")).stdout)
        assert started["leaves"][0]["type"] == "start"


async def test_the_operations_give_the_same_to_an_auditor_of_the_running_node(
    bank: NewNode,
) -> None:
    from node.node import Node
    from node.operations.catalogue import find
    from node.operations.registry import silent

    async with Node.opened(bank.data, bank.settings, passphrase=Passphrase()) as node:
        for name in ("audit.verify", "audit.fsck"):
            operation = find(name)
            assert operation.role == "auditor"
            result = await operation.handler(node, operation.request(), silent)
            own = await asyncio.to_thread(as_json, bank, name.removeprefix("audit."))
            assert json.loads(result.model_dump_json()) == own
