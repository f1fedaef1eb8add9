"""What is named to be read must be a file with an end: whoever reads a pipe may wait for ever."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from node.collections.golden import read_golden
from node.encoders.caller import read_envelope
from node.ingest import jsonl, npy
from node.regular_file import open_regular
from node.room_error import RoomError
from node.spaces.anchor_files import read_anchors
from node.spaces.handed_over import read_manifest_file
from node.transfer.named_source import NamedSource
from node.transfer.opening import open_source

READERS: dict[str, Callable[[Path], object]] = {
    "questions.jsonl": read_golden,
    "documents.jsonl": lambda path: next(jsonl.read(path)),
    "lines.jsonl": jsonl.count,
    "vectors.npy": lambda path: npy.opened(path, "float32"),
    "ids.txt": lambda path: next(npy.read(_vectors(path.parent), path)),
    "collection.jsonl": lambda path: open_source(NamedSource(source=str(path.with_suffix(".npy")))),
    "collection.parquet": lambda path: open_source(NamedSource(source=str(path))),
    "envelope.json": read_envelope,
    "anchors.jsonl": read_anchors,
    "space.json": read_manifest_file,
}


def _vectors(folder: Path) -> Path:
    np.save(folder / "some.npy", np.ones((2, 2), "f4"))
    return folder / "some.npy"


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_refused_at_once_by_whatever_would_read_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    os.mkfifo(path)
    said: list[str] = []

    def read() -> None:
        try:
            READERS[name](path)
        except (RoomError, OSError) as error:
            said.append(str(error))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(20)
    assert said, "it waits for somebody who writes into the pipe"
    assert "not a file with an end" in said[0]
    assert name in said[0]


def test_a_link_is_judged_by_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"content"
    (tmp_path / "device").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="not a file with an end"):
        open_regular(tmp_path / "device")
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
