"""A disk that refuses: the batch is dropped whole, state is read again, and the log goes on.

The failures are real: SQLite's page limit (SQLITE_FULL), a trigger that aborts, the process's file
size limit (EFBIG from write), and, where there is a C compiler, system calls that answer as a
failing fsync, a full disk and a read-only file system do (`faults`).
"""

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from keys.signer import SeedSigner
from node.audit.errors import (
    LogDamaged,
    LogForeign,
    LogRefused,
    LogShortened,
    LogTooNew,
    LogUnavailable,
)
from node.audit.log import AuditLog
from node.operations.errors import Unavailable, translate
from tests.node.audit import faults
from tests.node.audit.crash import ROOT
from tests.node.audit.entries import DAY, LOG_KEY, ORIGIN, event, exchange, opened
from tests.node.audit.tampering import examined, log_file, tamper
from tests.protocol.leaf_samples import AT

PEER = ("clinic.example", "papers")


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


REFUSE = (
    "CREATE TRIGGER refuse BEFORE INSERT ON checkpoints "
    "BEGIN SELECT RAISE(ABORT, 'injected failure'); END"
)


async def test_a_failed_commit_drops_its_whole_batch_and_the_log_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.append(exchange(0))
        before = log.checkpoint()
        execute(path, REFUSE)
        outcomes = await asyncio.gather(
            *(log.append(exchange(n)) for n in range(1, 9)), return_exceptions=True
        )
        assert all(isinstance(outcome, LogUnavailable) for outcome in outcomes)
        assert "injected failure" in str(outcomes[0])
        assert (log.size(), log.spent(*PEER, DAY), len(log.nonces(AT))) == (1, 1, 1)
        assert log.checkpoint() == before
        execute(path, "DROP TRIGGER refuse")
        receipt = await log.append(exchange(1))  # its nonce was never recorded
        assert receipt.index == 1
    assert not examined(path).findings


async def test_the_cause_reaches_the_caller_as_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        execute(path, REFUSE)
        with pytest.raises(LogUnavailable) as failure:
            await log.append(event())
    shown = translate(failure.value)
    assert isinstance(shown, Unavailable)
    assert "disk" in shown.fix


async def test_memory_is_told_to_read_again_before_the_callers_learn(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    order: list[str] = []
    async with opened(path) as log:
        log.on_reload(lambda: order.append(f"reload {log.spent(*PEER, DAY)}"))
        await log.append(exchange(0))
        execute(path, REFUSE)

        async def ask(number: int) -> None:
            with pytest.raises(LogUnavailable):
                await log.append(exchange(number))
            order.append("told")

        await asyncio.gather(ask(1), ask(2))
    assert order[0] == "reload 1"
    assert order.count("told") == 2


async def test_a_hook_that_fails_keeps_nobody_waiting(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    async with opened(path) as log:
        log.on_reload(lambda: 1 / 0)  # type: ignore[arg-type]  # it never returns
        execute(path, REFUSE)
        with pytest.raises(LogUnavailable):
            await log.append(event())
    assert len(unhandled) == 1


async def test_a_full_database_refuses_and_recovers(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.append(event())
        connection = log._committer._connection
        assert connection is not None
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        acknowledged = 1
        refused: list[str] = []
        for number in range(30):  # the reload after a failure opens a connection without the limit
            try:
                await log.append(exchange(number, documents=tuple(range(100))))
                acknowledged += 1
            except LogUnavailable as error:
                refused.append(str(error))
        assert len(refused) == 1
        assert "full" in refused[0]
        assert log.size() == acknowledged == 30
    assert not examined(path).findings


async def test_while_reading_again_fails_every_entry_is_refused_and_none_hangs(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log.db"
    async with opened(path) as log:
        await log.append(event())
        execute(path, REFUSE, "UPDATE meta SET value = 'x' WHERE name = 'origin'")
        for _ in range(3):
            with pytest.raises(LogUnavailable):
                await log.append(event())
        execute(path, "DROP TRIGGER refuse")
        with pytest.raises(LogUnavailable, match="is signed by"):
            await log.append(event())
        execute(
            path, "UPDATE meta SET value = 'ORIGIN' WHERE name = 'origin'".replace("ORIGIN", ORIGIN)
        )
        assert (await log.append(event())).index == 1


CHILD = """
import asyncio, resource, signal, sys
from pathlib import Path
from node.audit.errors import LogUnavailable
from tests.node.audit import faults
from tests.node.audit.entries import exchange, opened

path = Path(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
whole = resource.getrlimit(resource.RLIMIT_FSIZE)

def limit():
    most = max(file.stat().st_size for file in path.parent.iterdir()) + 20_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, whole[1]))

def mend():
    resource.setrlimit(resource.RLIMIT_FSIZE, whole)
    faults.mend()

async def main():
    breakings = [limit]
    if faults.POSSIBLE:
        breakings += [lambda name=name: faults.inject(name) for name in faults.FAULTS]
    acknowledged, refused = 0, 0
    async with opened(path) as log:
        for number in range(80):
            if number % 20 == 5 and breakings:
                breakings.pop(0)()
            try:
                await log.append(exchange(number))
                acknowledged += 1
            except LogUnavailable:
                refused += 1
                mend()
                assert log.size() == acknowledged, (log.size(), acknowledged)
        print(acknowledged, refused, log.size())

asyncio.run(main())
"""


def test_a_disk_that_refuses_loses_its_batch_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    finished = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder / "log.db")],
        env={**os.environ, **(faults.environment(tmp_path) if faults.POSSIBLE else {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stderr
    acknowledged, refused, size = (int(word) for word in finished.stdout.split())
    assert refused == 1 + (len(faults.FAULTS) if faults.POSSIBLE else 0)
    assert acknowledged == size == 80 - refused
    assert not examined(folder / "log.db").findings


@pytest.mark.parametrize(
    ("statements", "refusal"),
    [
        (["DELETE FROM leaves WHERE idx = 11"], LogShortened),
        (["DELETE FROM leaves WHERE idx > 3"], LogShortened),
        (["DELETE FROM checkpoints WHERE size = 12"], LogDamaged),
        (["DELETE FROM checkpoints"], LogDamaged),
        (["UPDATE leaves SET data = x'7b7d' WHERE idx = 11"], LogDamaged),
        (["UPDATE nodes SET hash = zeroblob(32) WHERE position = 14"], LogDamaged),
        (["DELETE FROM nodes WHERE position = 14"], LogDamaged),
        (["UPDATE checkpoints SET note = x'00' WHERE size = 12"], LogDamaged),
        (["UPDATE meta SET value = 'x' WHERE name = 'origin'"], LogForeign),
        (["DELETE FROM meta"], LogForeign),
        (["PRAGMA user_version = 99"], LogTooNew),
        (["DROP TABLE nodes"], LogDamaged),
    ],
)
def test_a_log_that_contradicts_its_checkpoint_is_not_continued(
    tmp_path: Path, statements: list[str], refusal: type[LogRefused]
) -> None:
    path = log_file(tmp_path)
    tamper(path, *statements)
    with pytest.raises(refusal) as refused:
        AuditLog.open(path, LOG_KEY, ORIGIN, lambda: AT)
    assert refused.value.fix


def test_another_key_or_origin_does_not_continue_the_log(tmp_path: Path) -> None:
    path = log_file(tmp_path)
    with pytest.raises(LogForeign, match=r"log\.key|this node's log key"):
        AuditLog.open(path, SeedSigner.generate(), ORIGIN, lambda: AT)
    with pytest.raises(LogForeign):
        AuditLog.open(path, LOG_KEY, "other.example/interlingua", lambda: AT)


def test_a_file_that_is_no_log_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.write_bytes(b"something else" * 1000)
    with pytest.raises(LogDamaged):
        AuditLog.open(path, LOG_KEY, ORIGIN, lambda: AT)
    assert path.read_bytes() == b"something else" * 1000
    path.unlink()
    execute(path, "CREATE TABLE documents (id)")
    before = path.read_bytes()
    with pytest.raises(LogDamaged, match="not an interlingua audit log"):
        AuditLog.open(path, LOG_KEY, ORIGIN, lambda: AT)
    assert path.read_bytes() == before


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable):
        AuditLog.open(tmp_path / "nowhere" / "log.db", LOG_KEY, ORIGIN, lambda: AT)
