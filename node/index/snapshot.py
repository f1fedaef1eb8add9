"""A published snapshot: a graph with its rows, never written to after it exists.

On disk it is four files. Three belong to one generation and have names of their own:

    v3-<generation>.graph         the HNSW graph
    v3-<generation>.vectors.npy   (n, d) float32, mapped into memory, as the space has them
    v3-<generation>.keys.npy      (n,) int64 chunk keys, ascending

and `v3.json`, the sidecar, names them with their digests. Replacing the sidecar is the one atomic
step that publishes a generation: a crash before it leaves the old one whole, after it the new one.
Documents and labels of the rows are not saved: store.db is the truth about them and is asked at
every start, so a snapshot can be behind but never wrong.
"""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from node import durable_file
from node.index import graph
from node.index.graph import Graph
from node.index.segment import IntArray
from node.index.settings import IndexSettings
from node.index.similarity import FloatArray, Nearness

_SIDECAR_LIMIT = 64 * 1024  # bytes; a sidecar has about 700


class SnapshotUnusable(Exception):
    """The saved snapshot is missing, damaged or of something else; `str()` says which.

    Never fatal: the index is rebuilt from store.db. `missing`: there is none, which is how every
    small collection lives.
    """

    def __init__(self, reason: str, *, missing: bool = False) -> None:
        super().__init__(reason)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Source:
    """What a snapshot was made of: a store, a collection version, its space."""

    store_id: str
    version: int
    space_id: str
    nearness: Nearness

    @property
    def name(self) -> str:
        """Stem of the file names."""
        return f"v{self.version}"


class Sidecar(BaseModel):
    """The content of `v3.json`. `sequence` is the collection's change that was read last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    store_id: str
    version: int
    space_id: str
    sequence: int
    count: int
    generation: str
    graph_sha256: str
    vectors_sha256: str
    keys_sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One generation in memory. `vectors` (n, d) is a read-only map of the file."""

    graph: Graph
    keys: IntArray
    vectors: FloatArray
    generation: str
    sequence: int


class SnapshotFiles:
    """The files of one version's snapshot in a directory."""

    def __init__(self, directory: Path, source: Source) -> None:
        """`directory` exists; other versions may keep their files there too."""
        self.directory = directory
        self.source = source
        self.sidecar = directory / f"{source.name}.json"

    def new_generation(self, sequence: int) -> str:
        """Return a name that no file has."""
        return f"{self.source.name}-{sequence}-{secrets.token_hex(4)}"

    def graph_path(self, generation: str) -> Path:
        """File of the graph."""
        return self.directory / f"{generation}.graph"

    def vectors_path(self, generation: str) -> Path:
        """File of the vectors."""
        return self.directory / f"{generation}.vectors.npy"

    def keys_path(self, generation: str) -> Path:
        """File of the keys."""
        return self.directory / f"{generation}.keys.npy"

    def make_private(self, generation: str) -> None:
        """Make a generation's files, empty and for the owner alone, before anything is in them."""
        for path in self._paths(generation).values():
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def publish(self, generation: str, sequence: int, count: int) -> None:
        """Make the three files durable, then put the sidecar in place, then drop older files."""
        digests = {}
        for name, path in self._paths(generation).items():
            durable_file.flush(path)
            digests[f"{name}_sha256"] = _digest(path)
        sidecar = Sidecar(
            store_id=self.source.store_id,
            version=self.source.version,
            space_id=self.source.space_id,
            sequence=sequence,
            count=count,
            generation=generation,
            **digests,
        )
        durable_file.replace(self.sidecar, sidecar.model_dump_json(indent=1).encode())
        self.remove(keep=generation)

    def load(self, sequence: int, settings: IndexSettings) -> Snapshot:
        """Load the published generation after checking whose it is and every byte of it.

        `sequence` is the collection's last change: a snapshot that knows later ones was made from
        a store that has since been restored from a backup. Raises SnapshotUnusable.
        """
        sidecar = self._read_sidecar()
        mine = self.source
        if (sidecar.store_id, sidecar.version, sidecar.space_id) != (
            mine.store_id, mine.version, mine.space_id,
        ):  # fmt: skip
            raise SnapshotUnusable("it belongs to another store, version or space")
        if sidecar.sequence > sequence:
            raise SnapshotUnusable("it is newer than store.db, which must have been restored")
        for name, path in self._paths(sidecar.generation).items():
            if not path.is_file() or _digest(path) != getattr(sidecar, f"{name}_sha256"):
                raise SnapshotUnusable(f"{path.name} is missing or damaged")
        return self.open(sidecar.generation, sidecar.sequence, sidecar.count, settings)

    def open(self, generation: str, sequence: int, count: int, settings: IndexSettings) -> Snapshot:
        """Open a generation's files, which are known to be whole. Raises SnapshotUnusable."""
        try:
            found = graph.load(self.graph_path(generation), self.source.nearness, settings)
            keys = np.load(self.keys_path(generation), allow_pickle=False)
            vectors = self.map_vectors(generation)
        except (OSError, RuntimeError, ValueError) as error:
            raise SnapshotUnusable(f"{generation} cannot be read ({error})") from error
        expected = (count, self.source.nearness.dimension)
        if len(found) != count or keys.shape != (count,) or vectors.shape != expected:
            raise SnapshotUnusable(f"{generation} has not the rows that its sidecar promises")
        return Snapshot(found, keys, vectors, generation, sequence)

    def map_vectors(self, generation: str) -> FloatArray:
        """Map a generation's vectors (n, d) into memory, read-only."""
        path = self.vectors_path(generation)
        # a plain view of the map: numpy's own memmap class makes every access slower
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))

    def discard(self, generation: str) -> None:
        """Remove a generation that was not published."""
        for path in self._paths(generation).values():
            path.unlink(missing_ok=True)

    def remove(self, keep: str | None = None) -> None:
        """Remove this version's files, or all of its generations but one."""
        if keep is None:
            durable_file.remove(self.sidecar)
        for path in self.directory.glob(f"{self.source.name}-*"):
            if keep is None or not path.name.startswith(f"{keep}."):
                path.unlink(missing_ok=True)

    def _read_sidecar(self) -> Sidecar:
        try:
            with self.sidecar.open("rb") as file:
                return Sidecar.model_validate_json(file.read(_SIDECAR_LIMIT))
        except FileNotFoundError:
            raise SnapshotUnusable("there is none", missing=True) from None
        except (OSError, ValidationError) as error:
            raise SnapshotUnusable(f"{self.sidecar.name} is damaged") from error

    def _paths(self, generation: str) -> dict[str, Path]:
        return {
            "graph": self.graph_path(generation),
            "vectors": self.vectors_path(generation),
            "keys": self.keys_path(generation),
        }


def remove_files_of(directory: Path, version: int) -> None:
    """Remove every file of a version whose rows are gone from store.db."""
    durable_file.remove(directory / f"v{version}.json")
    for path in directory.glob(f"v{version}-*"):
        path.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
