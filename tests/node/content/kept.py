"""A log with what its exchanges said beside it: real files and keys, and a scan of their bytes."""

import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

from node.audit.entry import Entry
from node.audit.log import AuditLog
from node.content.content import KINDS, Content, Kind
from node.content.contents import ContentFiles, Contents
from node.content.erasing import Erasures
from tests.node.audit.entries import LOG_KEY, ORIGIN, exchange
from tests.protocol.leaf_samples import AT

CONTENT_KEY = b"the content key of these tests.."
PEER = "clinic.example"


def contents_of(folder: Path, kinds: Iterable[Kind] = KINDS) -> Contents:
    """The content beside the log.db of a folder."""
    files = ContentFiles(folder / "content_keys.db", folder / "content.db", folder / "log.db")
    return Contents(files, lambda: CONTENT_KEY, frozenset(kinds))


@dataclass
class Kept:
    """An open log with its content and what erases it."""

    folder: Path
    log: AuditLog
    contents: Contents
    erasures: Erasures

    async def answer(self, number: int) -> int:
        """Log an answered exchange; returns its leaf's index. Its words hold its number."""
        return (await self.log.append(said(number))).index

    def read(self, index: int) -> list[Content]:
        """What is kept for a leaf."""
        return self.contents.read(index, self.log.receipt(index).leaf)

    def wrapped(self, index: int) -> list[bytes]:
        """The keys of a leaf's records, as they lie in content_keys.db."""
        self.contents.writer.flush()
        slots = [row.slot for row, _ in self.contents.records.of_leaf(index)]
        with closing(sqlite3.connect(self.folder / "content_keys.db")) as db:
            marks = ",".join("?" * len(slots))
            rows = db.execute(f"SELECT wrapped FROM keys WHERE slot IN ({marks})", slots)  # noqa: S608 - question marks
            return [bytes(row[0]) for row in rows]


def question(number: int) -> bytes:
    """The body of a question that nothing else contains."""
    return b'{"question":"what the person %d asked"}' % number


def payload(number: int) -> bytes:
    """The payload of its answer; as `exchange` stores it."""
    return b'{"id":%d,"v":1}' % number


def said(number: int) -> Entry:
    """An answered question with what it said."""
    content = Content("answered", question(number), payload(number))
    return replace(exchange(number), content=(content,))


@asynccontextmanager
async def keeping(folder: Path, kinds: Iterable[Kind] = KINDS, at: int = AT) -> AsyncIterator[Kept]:
    """Open the log of a folder with its content."""
    contents = contents_of(folder, kinds)
    log = AuditLog.open(folder / "log.db", LOG_KEY, ORIGIN, lambda: at, contents=contents)
    try:
        yield Kept(folder, log, contents, Erasures(contents, log, lambda: at))
    finally:
        await log.close()
        contents.close()


def every_byte(folder: Path) -> bytes:
    """The bytes of all files: databases, write-ahead logs, shared memory."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())
