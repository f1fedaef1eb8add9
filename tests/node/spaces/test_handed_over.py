"""Files from other members are read up to the size that one of their kind can have."""

from pathlib import Path

import pytest

from node.spaces.errors import FileTooLong
from node.spaces.handed_over import read_manifest_file, read_tensor_file
from protocol.limits import MAX_DOCUMENT_BYTES


def test_a_manifest_that_is_too_long_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "m.space.json"
    path.write_bytes(b" " * MAX_DOCUMENT_BYTES)
    assert len(read_manifest_file(path)) == MAX_DOCUMENT_BYTES
    path.write_bytes(b" " * (MAX_DOCUMENT_BYTES + 1))
    with pytest.raises(FileTooLong, match="longer than"):
        read_manifest_file(path)
    assert len(read_tensor_file(path)) == MAX_DOCUMENT_BYTES + 1


def test_a_device_without_an_end_is_no_manifest() -> None:
    with pytest.raises(OSError, match="not a file with an end"):
        read_manifest_file(Path("/dev/zero"))
