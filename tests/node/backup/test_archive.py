"""An archive is read as it was written, or refused with one named error."""

import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.backup import manifest as manifests
from node.backup.errors import (
    ArchiveDamaged,
    ArchiveOversized,
    ArchiveRefused,
    ArchiveTruncated,
    ArchiveUnsafe,
)
from node.backup.manifest import is_part
from tests.node.backup.archives import PARTS, archive, manifest, part, read

WHOLE = archive()


def test_what_is_written_is_read() -> None:
    assert read(WHOLE) == PARTS


def test_any_tar_can_list_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(WHOLE)) as tar:
        assert tar.getnames() == ["manifest.json", *PARTS]
        assert {entry.mode for entry in tar} == {0o600}


@settings(max_examples=200, deadline=None)
@given(at=st.integers(min_value=0, max_value=len(WHOLE) - 1), bit=st.integers(0, 7))
def test_no_byte_of_a_part_can_be_changed(at: int, bit: int) -> None:
    """The manifest's own words may be: only what is restored is compared with it."""
    changed = WHOLE[:at] + bytes([WHOLE[at] ^ (1 << bit)]) + WHOLE[at + 1 :]
    try:
        assert read(changed) == PARTS
    except ArchiveRefused:
        return


@settings(max_examples=100, deadline=None)
@given(length=st.integers(min_value=0, max_value=len(WHOLE) - 1))
def test_a_missing_end_is_named(length: int) -> None:
    with pytest.raises(ArchiveTruncated):
        read(WHOLE[:length])


@settings(max_examples=100, deadline=None)
@given(raw=st.binary(max_size=2000))
def test_other_files_are_refused(raw: bytes) -> None:
    with pytest.raises(ArchiveRefused):
        read(raw)


def test_nothing_may_follow_the_end() -> None:
    with pytest.raises(ArchiveDamaged, match="follows the end"):
        read(WHOLE + b"\0")


def test_a_changed_part_is_named() -> None:
    at = WHOLE.index(b"k" * 511)
    with pytest.raises(ArchiveDamaged, match=r"keys/sign\.key is not what"):
        read(WHOLE[:at] + b"x" + WHOLE[at + 1 :])


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/etc/passwd",
        "keys/../../outside",
        "keys//sign.key",
        "keys/./sign.key",
        "keys/.hidden",
        ".backup/log.db",
        "keys\\sign.key",
        "keys/a\nb",
        "indexes/x",
        "content.db",
        "content_keys.db",
        "keys/content.key",
        "lock",
        "admin.sock",
        "restored.json",
        "card.json",
        "invitations.json",
        "manifest.json",
        "log.db-wal",
        "a/b/c/d/e/f/g/h/i",
        "",
    ],
)
def test_a_part_stays_in_its_directory(name: str) -> None:
    assert not is_part(name)
    with pytest.raises(ArchiveUnsafe):
        read(archive({name: b"x"}))


@pytest.mark.parametrize(
    "names", [("a", "a"), ("keys", "keys/sign.key"), ("a/b/c", "a/b")], ids=str
)
def test_no_part_takes_anothers_place(names: tuple[str, str]) -> None:
    says = manifest(listed=tuple(part(name, b"x") for name in names))
    with pytest.raises(ArchiveUnsafe):
        read(archive(dict.fromkeys(names, b"x"), says))


def test_an_archive_of_too_many_parts_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "MAX_PARTS", 4)
    with pytest.raises(ArchiveOversized):
        read(WHOLE)


def test_a_manifest_that_claims_too_much_is_named() -> None:
    entry = tarfile.TarInfo("manifest.json")
    entry.size, entry.mtime, entry.mode = 2**31, 1_790_000_000, 0o600
    with pytest.raises(ArchiveOversized):
        read(entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_only_regular_files_are_parts(kind: bytes) -> None:
    """A link under a part's name is not the header that must stand there."""
    at = WHOLE.index(b"keys/sign.key", WHOLE.index(b"organisation = "))
    entry = tarfile.TarInfo("keys/sign.key")
    entry.type, entry.linkname, entry.mode = kind, "/etc/passwd", 0o600
    entry.mtime = 1_790_000_000
    header = entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")
    with pytest.raises(ArchiveDamaged):
        read(WHOLE[:at] + header + WHOLE[at + 512 :])
