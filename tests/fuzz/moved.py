"""Collections that come from another system: Parquet files, and lines beside an array."""

import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from node.transfer.check import check
from node.transfer.errors import TransferError
from node.transfer.named_source import NamedSource
from node.transfer.opening import open_source
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_json
from tests.fuzz.target import Target
from tests.node.collections.rooms import unseen
from tests.node.transfer.samples import head, plain, write

PARQUET = b"PAR1"


@cache
def files() -> dict[str, bytes]:
    """The same three documents as Parquet, and as an array with its lines."""
    documents = [
        replace(one, text="a text", spans=((0, 6),), labels=("open",), metadata={"year": 2020})
        for one in plain(3)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("c.parquet", "c.npy"):
            write(Path(folder, name), head(), documents)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def valid() -> list[bytes]:
    """A Parquet file, and the lines of an array."""
    return [files()["c.parquet"], files()["c.jsonl"]]


def nearly(choices: Choices) -> bytes:
    """Lines of which one says something else."""
    lines = files()["c.jsonl"].splitlines()
    at = choices.below(len(lines))
    lines[at] = json.dumps(changed_json(json.loads(lines[at]), choices)).encode()
    return b"\n".join(lines)


def read(raw: bytes) -> None:
    """Read a file that begins as Parquet's do as such, any other as the lines of an array."""
    with tempfile.TemporaryDirectory() as folder:
        kind = "c.parquet" if raw.startswith(PARQUET) else "c.jsonl"
        Path(folder, kind).write_bytes(raw)
        Path(folder, "c.npy").write_bytes(files()["c.npy"])
        name = "c.parquet" if kind == "c.parquet" else "c.npy"
        source = open_source(NamedSource(source=str(Path(folder, name))))
        try:
            check(source, head().envelope, unseen)
        finally:
            source.close()


TARGET = Target(
    "moved",
    "a collection on its way is read, or a TransferError says what is wrong with it",
    read,
    (TransferError,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
