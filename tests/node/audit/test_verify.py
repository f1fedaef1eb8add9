"""`audit verify`: the verdict falls with any leaf, request, counter or receipt that is wrong."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from keys.ring import KeyRecord, KeyRing
from keys.signer import SeedSigner
from node.audit.effect_rows import EffectRows
from node.audit.entry import Effects, Entry, QueryEffect
from node.audit.verify import Anchors, Verification, verify_log
from node.operations.registry import silent
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.log_keys import LogKeys
from protocol.note import VerifierKey
from tests.node.audit.entries import DAY, LOG_KEY, ORIGIN, opened
from tests.node.audit.tampering import LEAVES, log_file, tamper
from tests.protocol.leaf_samples import AT, SIGNER, answered, evidence

LOG_VKEY = VerifierKey(ORIGIN, LOG_KEY.public)
RINGS = {"clinic.example": KeyRing([KeyRecord.of(SIGNER.public, "sign", AT - 10, AT + 10)])}
KNOWING = Anchors("bank.example", LOG_VKEY, RINGS.get, lambda _, __: LogKeys.single(LOG_VKEY))
UNKNOWING = Anchors(None, None, lambda _: None, lambda _, __: None)


def verified(path: Path, anchors: Anchors = KNOWING) -> Verification:
    return verify_log(path, anchors, silent)


def found(path: Path, anchors: Anchors = KNOWING) -> set[str]:
    result = verified(path, anchors)
    assert (result.verdict == "INVALID") is bool(result.findings)
    return {finding.kind for finding in result.findings.listed}


def appended(path: Path, entry: Entry) -> Path:
    async def append() -> None:
        async with opened(path) as log:
            await log.append(entry)

    asyncio.run(append())
    return path


def answer(**changes: Any) -> Entry:
    charge = QueryEffect("clinic.example", "papers", DAY, 1)
    return Entry(answered(exposed=None, **changes), Effects(queries=charge))


def test_an_untouched_log_is_self_signed_and_says_what_was_proved(tmp_path: Path) -> None:
    result = verified(log_file(tmp_path, kept=True))
    assert result.verdict == "SELF-SIGNED"
    assert result.findings.listed == []
    assert result.leaves == {"admin": 7, "answered": 4, "received": 1}
    assert (result.requests, result.requests_bound) == (4, 4)
    assert (result.receipts_named, result.receipts, result.receipts_proved) == (1, 1, 1)
    assert result.examined.size == LEAVES


def test_without_anchors_less_is_proved_and_nothing_is_wrong(tmp_path: Path) -> None:
    result = verified(log_file(tmp_path, kept=True), UNKNOWING)
    assert result.verdict == "SELF-SIGNED"
    assert (result.requests, result.requests_bound) == (4, 0)
    assert (result.receipts, result.receipts_proved) == (1, 0)


def test_a_log_under_another_key_than_the_auditor_was_told_is_foreign(tmp_path: Path) -> None:
    told = VerifierKey(ORIGIN, SeedSigner.generate().public)
    anchors = Anchors("bank.example", told, RINGS.get, lambda _, __: None)
    assert {"log-foreign", "checkpoint-invalid"} <= found(log_file(tmp_path), anchors)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"evidence": evidence(signer=SeedSigner.generate())}, "request-unproved"),
        ({"evidence": evidence(to="other.example")}, "request-differs"),
        ({"evidence": evidence(b'{"id":2}')}, "request-differs"),
        ({"peer": "other.example"}, "request-differs"),
        ({"at": AT - 31}, "request-differs"),
        ({"at": AT + 11}, "request-unproved"),
    ],
    ids=["other key", "other addressee", "other body", "other sender", "backdated", "expired key"],
)
def test_an_invented_or_altered_question_is_named(
    tmp_path: Path, changes: dict[str, object], kind: str
) -> None:
    path = appended(tmp_path / "log.db", answer(**changes))
    assert kind in found(path)


def test_a_question_that_is_logged_twice_is_named(tmp_path: Path) -> None:
    path = appended(tmp_path / "log.db", answer())
    assert found(appended(path, answer())) == {"request-repeated"}


def test_a_key_that_may_not_sign_questions_is_named(tmp_path: Path) -> None:
    path = appended(tmp_path / "log.db", answer())
    assert found(path) == set()
    card = KeyRing([KeyRecord.of(SIGNER.public, "card", AT - 10, AT + 10)])
    assert found(path, Anchors("bank.example", LOG_VKEY, lambda _: card, lambda _, __: None)) == {
        "request-unproved"
    }


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE earlier_queries SET n = n - 1",
        "DELETE FROM earlier_queries",
        "UPDATE earlier_exposures SET n = n + 1 WHERE document = 1",
        "DELETE FROM earlier_exposures WHERE document = 2",
        "DELETE FROM scopes",
        "INSERT INTO earlier_queries VALUES ('ghost.example', 'papers', 1, 1)",
        "DELETE FROM recent_effects",
        "UPDATE recent_effects SET said = json_set(said, '$.queries[0][3]', 7)",
        "UPDATE recent_effects SET said = json_set(said, '$.exposures[0][3].\"1\"', 7)",
    ],
)
def test_counters_that_the_leaves_do_not_add_up_to_are_named(
    tmp_path: Path, statement: str
) -> None:
    path = log_file(tmp_path)
    if "recent" not in statement:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            EffectRows(connection).enter(AT)
        assert not found(path)
    tamper(path, statement)
    assert found(path) == {"counters-differ"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kept_receipts SET leaf = x'7b7d'",
        "UPDATE kept_receipts SET proof = x'00'",
        "UPDATE kept_receipts SET idx = 0",
    ],
)
def test_an_exchanged_receipt_is_named(tmp_path: Path, statement: str) -> None:
    path = log_file(tmp_path, kept=True)
    tamper(path, statement)
    assert found(path) >= {"receipt-invalid"}


@pytest.mark.parametrize("anchors", [KNOWING, UNKNOWING], ids=["known keys", "no keys"])
def test_a_receipt_that_is_gone_is_named_by_its_leaf(tmp_path: Path, anchors: Anchors) -> None:
    path = log_file(tmp_path, kept=True)
    tamper(path, "DELETE FROM kept_receipts")
    result = verified(path, anchors)
    assert result.verdict == "INVALID"
    (finding,) = result.findings.listed
    assert (finding.kind, finding.index) == ("receipt-missing", LEAVES - 1)
    assert (result.receipts_named, result.receipts, result.receipts_proved) == (1, 0, 0)


def test_a_leaf_of_an_unknown_form_is_named_though_its_hash_is_right(tmp_path: Path) -> None:
    class Strange(type(answered())):  # type: ignore[misc]  # a later release's leaf
        surplus: int = 1

    leaf = Strange(**{**answered(exposed=None).__dict__})
    charge = QueryEffect("clinic.example", "papers", DAY, 1)
    path = appended(tmp_path / "log.db", Entry(leaf, Effects(queries=charge)))
    assert found(path) == {"leaf-malformed", "counters-differ"}


def test_a_cosigned_checkpoint_of_another_tree_shows_a_fork(tmp_path: Path) -> None:
    path = log_file(tmp_path)
    other = sign_checkpoint(Checkpoint(ORIGIN, LEAVES, bytes(32)), LOG_KEY)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO cosigned_checkpoints VALUES (?, ?)", (LEAVES, other))
    result = verified(path)
    assert result.verdict == "DIVERGED"
    assert [finding.kind for finding in result.findings.listed] == ["log-forked"]
