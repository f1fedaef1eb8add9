"""One version of a collection, written into a file with its envelope.

The rule of this file: it is read in one state of store.db, vector by vector, and the file has its
name only after the leaf that says so.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import orjson

from node.ingest.record import text_digest
from node.store import moving_rows
from node.store.moving_rows import Row
from node.store.store import Store
from node.transfer import files, npy, parquet
from node.transfer.errors import SourceUnreadable
from node.transfer.form import End, Head, Moved, Progress

SUFFIXES = (".parquet", ".npy")


@dataclass(frozen=True, slots=True)
class Written:
    """Files that are whole and have no name yet; `finish` gives it to them."""

    paths: tuple[Path, ...]
    end: End
    held: ExitStack
    """The open files, which nobody else writes as long as they are."""

    def finish(self) -> None:
        """Give them their names. Raises SourceUnreadable where one is taken by now."""
        with self.held:
            files.finish(self.paths)

    def give_up(self) -> None:
        """Remove them."""
        with self.held:
            files.give_up(self.paths)


def paths_of(out: Path) -> tuple[Path, ...]:
    """The files of an export, by the name given. Raises SourceUnreadable."""
    if out.suffix not in SUFFIXES:
        raise SourceUnreadable(
            f"{out} is neither .parquet nor .npy", fix="Name the file so that it ends in one."
        )
    return (out,) if out.suffix == ".parquet" else (out, npy.sidecar(out))


def write(store: Store, version: int, head: Head, out: Path, progress: Progress) -> Written:
    """Write a version's documents beside their later names; blocking.

    Raises SourceUnreadable, ExtraMissing, OSError; whatever `progress` raises ends it too.
    """
    paths = paths_of(out)
    files.require_new(paths)
    held, begun = ExitStack(), list[Path]()
    try:
        with store.read() as db:
            total, written = moving_rows.count(db, version), []
            for path in paths:
                written.append(held.enter_context(files.begin(path)))
                begun.append(path)
            documents = _documents(moving_rows.in_order(db, version), head, total, progress)
            if len(written) == 1:
                end = parquet.write(written[0], head, documents)
            else:
                end = npy.write((written[0], written[1]), head, total, documents)
            for file in written:
                file.flush()
    except BaseException:
        with held:
            files.give_up(begun)
        raise
    return Written(paths, end, held)


def _documents(rows: Iterator[Row], head: Head, total: int, progress: Progress) -> Iterator[Moved]:
    done = 0
    for _, of_one in groupby(rows, key=lambda row: row[0]):
        pieces = list(of_one)
        _, _, _, _, external_id, labels, metadata, uri, text, digest, source = pieces[0]
        done += len(pieces)
        progress(done, total, "vectors written")
        yield Moved(
            id=external_id,
            where=external_id,
            spans=tuple((piece[1], piece[2]) for piece in pieces),
            vectors=np.frombuffer(b"".join(piece[3] for piece in pieces), "<f4").reshape(
                len(pieces), head.envelope.dimension
            ),
            labels=tuple(orjson.loads(labels)),
            metadata=orjson.loads(metadata),
            uri=uri if head.sources else None,
            text=text if head.sources else None,
            encoded=source is not None
            or (text is not None and digest == text_digest(text).digest()),
            source=source.hex() if source is not None and head.sources else None,
        )
