"""A log that succeeds another one, and what is seen of partners' logs."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from node.audit import schema
from node.audit.entry import RESET, Effects, Entry, ResetEffect
from node.audit.errors import AlreadyRecorded, LogForeign, LogHeld
from node.audit.log import LOST, AuditLog
from node.audit.origin import is_of, log_origin, stated_origin, successor_origin
from node.audit.schema_steps import STEPS
from node.audit.seen_checkpoints import SeenCheckpoint
from node.audit.succession import predecessor_file, predecessors
from node.audit.verify import Anchors, Verification, verify_log
from node.operations.registry import silent
from protocol.leaf import AdminActed, PeerChanged, Succeeded
from tests.node.audit.entries import DAY, LOG_KEY, ORIGIN, event, exchange, opened
from tests.protocol.leaf_samples import AT

PEER = "clinic.example"
SUCCESSOR = successor_origin("bank.example", AT)


async def succeeded(folder: Path, **changes: object) -> Path:
    """A log that succeeds another one, which is kept; changes are fields of its first leaf."""
    old, new = folder / "old.db", folder / "log.db"
    async with opened(old) as log:
        await log.append(exchange(1))
        note = log.checkpoint().decode()
    aside = predecessor_file(folder, ORIGIN)
    aside.parent.mkdir()
    shutil.copy(old, aside)
    fields = {"origin": ORIGIN, "key": LOG_KEY.kid, "last": note, "day": DAY, "epoch": 3}
    first = Succeeded.model_validate({"at": AT, **fields, **changes})
    log = AuditLog.open(new, LOG_KEY, SUCCESSOR, lambda: AT)
    await log.append(Entry(first))
    await log.close()
    return new


def verified(path: Path) -> Verification:
    anchors = Anchors("bank.example", None, lambda _: None, lambda *_: None)
    return verify_log(path, anchors, silent)


async def test_what_was_lost_counts_as_spent_and_told(tmp_path: Path) -> None:
    path = await succeeded(tmp_path)
    log = AuditLog.open(path, LOG_KEY, SUCCESSOR, lambda: AT)
    try:
        assert log.spent("clinic.example", "papers", DAY) == LOST
        assert log.spent("clinic.example", "papers", DAY + 1) == 0
        scope = "clinic.example", "papers"
        assert (log.lost_exposures(*scope, 3), log.lost_exposures(*scope, 4)) == (True, False)
    finally:
        await log.close()


async def test_a_first_log_has_lost_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        assert log.spent("clinic.example", "papers", DAY) == 0
        assert not log.lost_exposures("clinic.example", "papers", 0)


@pytest.mark.parametrize("collection", ["papers", None])
async def test_a_person_may_reset_what_was_lost(tmp_path: Path, collection: str | None) -> None:
    path, scope = await succeeded(tmp_path), ("clinic.example", "papers")
    log = AuditLog.open(path, LOG_KEY, SUCCESSOR, lambda: AT)
    reset = AdminActed(at=AT, operation=RESET, peer=scope[0], subject=collection)
    await log.append(Entry(reset, Effects(reset=ResetEffect(scope[0], collection))))
    await log.close()
    log = AuditLog.open(path, LOG_KEY, SUCCESSOR, lambda: AT)
    try:
        assert log.spent(*scope, DAY) == 0
        assert not log.lost_exposures(*scope, 3)
        assert log.lost_exposures("clinic.example", "letters", 3) == (collection is not None)
        assert log.lost_exposures("lab.example", "papers", 3)
    finally:
        await log.close()


async def test_verify_says_what_is_succeeded(tmp_path: Path) -> None:
    found = verified(await succeeded(tmp_path))
    assert found.verdict == "SELF-SIGNED"
    assert found.predecessor is not None
    assert (found.predecessor.origin, found.predecessor.size) == (ORIGIN, 1)
    assert (found.predecessor.lost, found.predecessor.compared) == (0, True)
    assert predecessors(tmp_path) == {ORIGIN}


@pytest.mark.parametrize(
    "changes",
    [
        {"last": "no note"},
        {"held": f"other/log\n9\n{'A' * 43}=\n\nx"},
        {"origin": "bank.example/x"},
    ],
    ids=["no checkpoint", "another log's", "another name"],
)
async def test_a_first_leaf_that_names_another_log_is_a_finding(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    found = verified(await succeeded(tmp_path, **changes))
    assert [one.kind for one in found.findings.listed] == ["succession-invalid"]


async def test_a_log_before_that_ends_otherwise_is_a_finding(tmp_path: Path) -> None:
    path = await succeeded(tmp_path)
    async with opened(predecessor_file(tmp_path, ORIGIN)) as log:
        await log.append(event())
    found = verified(path)
    assert "another checkpoint" in found.findings.listed[0].detail


async def test_a_log_cannot_become_a_successor_later(tmp_path: Path) -> None:
    path = await succeeded(tmp_path)
    first = Succeeded(at=AT, origin=ORIGIN, key=LOG_KEY.kid, last="x", day=DAY, epoch=3)
    log = AuditLog.open(path, LOG_KEY, SUCCESSOR, lambda: AT)
    await log.append(Entry(first))
    await log.close()
    assert "can only begin" in verified(path).findings.listed[0].detail


async def test_a_log_that_is_held_takes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "log.db") as log:
        await log.append(event())
        log.hold("partners hold more")
        with pytest.raises(LogHeld, match="partners hold more"):
            await log.append(event())
        assert (log.size(), log.held) == (1, "partners hold more")


async def test_the_largest_checkpoint_of_each_log_is_kept(tmp_path: Path) -> None:
    acted = AdminActed(at=AT, operation="test.act")
    async with opened(tmp_path / "log.db") as log:
        for origin, size in (("a/log", 5), ("a/log", 3), ("b/log", 1), ("a/log", 8)):
            seen = SeenCheckpoint("a.example", "key", origin, size, b"note %d" % size)
            await log.append(Entry(acted, Effects(seen=seen)))
    async with opened(tmp_path / "log.db") as log:  # durably
        found = log.seen("a.example", "key", "a/log")
        assert found == SeenCheckpoint("a.example", "key", "a/log", 8, b"note 8")
        assert log.seen("a.example", "key", "c/log") is None
        assert log.seen("b.example", "key", "a/log") is None
        assert log.seen("a.example", "new key", "a/log") is None


async def test_what_is_seen_of_one_partner_leaves_anothers_alone(tmp_path: Path) -> None:
    acted = AdminActed(at=AT, operation="test.act")
    async with opened(tmp_path / "log.db") as log:
        for peer, size in (("a.example", 5), ("b.example", 50)):
            seen = SeenCheckpoint(peer, "key", "a/log", size, b"note %d" % size)
            await log.append(Entry(acted, Effects(seen=seen)))
        found = log.seen("a.example", "key", "a/log")
        assert found is not None
        assert found.size == 5


async def test_what_an_earlier_release_has_seen_belongs_to_the_present_pairing(
    tmp_path: Path,
) -> None:
    path, old, new = tmp_path / "log.db", "o" * 43, "n" * 43
    async with opened(path) as log:
        for root, state in ((old, "active"), (old, "revoked"), (new, "pending"), (new, "active")):
            fields = {"at": AT, "peer": "a.example", "state": state, "root": root}
            await log.append(Entry(PeerChanged.model_validate(fields)))
    path = path.rename(tmp_path / "now.db").with_name("log.db")
    with closing(sqlite3.connect(path)) as earlier:
        earlier.executescript("".join(STEPS[:4]))
        earlier.execute("ATTACH ? AS now", (str(tmp_path / "now.db"),))
        for table in ("meta", "leaves", "facts", "nodes", "checkpoints"):
            earlier.execute(f"INSERT INTO {table} SELECT * FROM now.{table}")  # noqa: S608 - names above
        earlier.executescript(
            f"PRAGMA application_id={schema.APPLICATION_ID}; PRAGMA user_version=4;"  # noqa: S608 - a number
            "INSERT INTO meta SELECT 'verifier_key', verifier_key FROM now.log_keys;"
            "INSERT INTO seen_checkpoints VALUES ('a/log', 'a.example', 7, x'01'),"
            "('b/log', 'never.example', 9, x'02');"
        )
    async with opened(path) as log:
        found = log.seen("a.example", new, "a/log")
        assert found == SeenCheckpoint("a.example", new, "a/log", 7, b"\1")
        assert log.seen("a.example", old, "a/log") is None


async def test_a_log_of_the_first_schema_is_brought_forward(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.executescript(
            f"{STEPS[0]} {STEPS[1]} {STEPS[2]} PRAGMA application_id={schema.APPLICATION_ID};"  # noqa: S608 - this file's own values
            "PRAGMA user_version=3;"
            f"INSERT INTO nonces VALUES ('{PEER}', 'nonce-7', {AT});"
            f"INSERT INTO queries VALUES ('{PEER}', 'papers', {DAY}, 4);"
            f"INSERT INTO exposures VALUES ('{PEER}', 'papers', 3, 1, 5);"
            f"INSERT INTO exposures VALUES ('{PEER}', 'papers', 3, 9, 1);"
            f"INSERT INTO probes VALUES ({DAY}, '{PEER}', 'papers', x'0102', x'ff');"
        )
    async with opened(path) as log:
        await log.append(exchange(1))
        assert log.seen("a.example", "key", "a/log") is None
        with pytest.raises(AlreadyRecorded):
            await log.append(exchange(7))
        assert log.spent(PEER, "papers", DAY) == 5
        assert log.exposed(PEER, "papers", 3) == {1: 6, 2: 1, 9: 1}
        assert (b"\1\2", b"\xff") in log.probes(PEER, "papers", DAY, 9)
    with closing(sqlite3.connect(path)) as now:
        assert now.execute("PRAGMA user_version").fetchone()[0] == schema.VERSION


async def test_a_log_states_its_own_name(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    assert stated_origin(path, "bank.example") == log_origin("bank.example") == ORIGIN
    new = await succeeded(tmp_path)
    assert stated_origin(new, "bank.example") == SUCCESSOR
    with pytest.raises(LogForeign):
        stated_origin(new, "clinic.example")
    assert not is_of("bank.example.org/interlingua", "bank.example")
