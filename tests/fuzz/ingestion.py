"""Files that are brought into a collection: JSON Lines, and vectors with ids."""

import io
import json
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from node.ingest import jsonl, npy
from node.ingest.errors import IngestError
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_bytes, changed_json
from tests.fuzz.target import Target

ARRAYS = (b"\x93NUMPY", b"PK")
"""What `numpy.load` takes for an array, or for several."""
LINE = {
    "id": "a-17", "text": "a text", "vector": [0.5, -1], "labels": ["open"],
    "metadata": {"year": 2020, "by": ["x"]}, "uri": "file:///a",
}  # fmt: skip


@cache
def valid() -> list[bytes]:
    """Two documents as lines, and three vectors as numpy writes them."""
    lines = [LINE, {"id": "b", "text": "b"}]
    array = io.BytesIO()
    np.save(array, np.eye(3, 4, dtype=np.float32))
    return ["\n".join(map(json.dumps, lines)).encode(), array.getvalue()]


def nearly(choices: Choices) -> bytes:
    """Another document, or an array with another head."""
    if choices.below(8) == 7:
        return b"PK" + choices.pick((b"\x03\x04", b"\x05\x06")) + choices.taken(30)
    if choices.below(2):
        return json.dumps(changed_json(LINE, choices)).encode()
    raw = valid()[1]
    size = 10 + int.from_bytes(raw[8:10], "little")
    head = changed_bytes(raw[10:size], choices, 2)
    return raw[:8] + (len(head) & 0xFFFF).to_bytes(2, "little") + head + raw[size:]


def read(raw: bytes) -> None:
    """Read a file that begins as numpy's do as vectors with three ids, any other as lines."""
    with tempfile.TemporaryDirectory() as folder:
        path, ids = Path(folder, "file"), Path(folder, "ids")
        path.write_bytes(raw)
        ids.write_text("a\nb\nc\n")
        records = npy.read(path, ids) if raw.startswith(ARRAYS) else jsonl.read(path)
        for record in records:
            assert record.digest


TARGET = Target(
    "ingestion",
    "a file is read, or an IngestError that names the place",
    read,
    (IngestError,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
