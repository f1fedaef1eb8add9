"""A sealed stream opens to what was written, or to one named error.

What turns the passphrase into a key is tested at its real cost in test_keyfile.py.
"""

import io
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.sealed_stream import (
    MAGIC,
    PIECE_BYTES,
    TAG_BYTES,
    SealedReader,
    SealedWriter,
    StreamDamaged,
    StreamTruncated,
)
from keys.sealing import DoesNotOpen
from tests.keys.passphrases import cheap_passphrases

HEAD = len(MAGIC) + 16 + 12 + 48
PHRASE = b"correct horse"


@pytest.fixture(autouse=True, scope="module")
def _cheap() -> Iterator[None]:
    with cheap_passphrases():
        yield


def sealed(plain: bytes) -> bytes:
    sink = io.BytesIO()
    writer = SealedWriter(sink, PHRASE)
    for start in range(0, len(plain), 1000):
        writer.write(plain[start : start + 1000])
    writer.finish()
    return sink.getvalue()


def opened(raw: bytes, phrase: bytes = PHRASE, size: int = 10_000) -> bytes:
    reader = SealedReader(io.BytesIO(raw), phrase)
    found = b""
    while piece := reader.read(size):
        found += piece
    return found


TWO_PIECES = bytes(range(256)) * 300  # 76,800 bytes: a whole piece and a part of one
with cheap_passphrases():
    SEALED = sealed(TWO_PIECES)


@pytest.mark.parametrize("length", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 200_000])
def test_what_is_sealed_is_opened(length: int) -> None:
    plain = b"x" * length
    raw = sealed(plain)
    assert opened(raw) == plain
    pieces = max(1, -(-length // PIECE_BYTES))
    assert len(raw) == HEAD + length + pieces * TAG_BYTES


def test_the_same_bytes_are_sealed_differently_each_time() -> None:
    assert SEALED[HEAD:] != sealed(TWO_PIECES)[HEAD:]


def test_another_passphrase_does_not_open_it() -> None:
    with pytest.raises(DoesNotOpen):
        opened(SEALED, b"wrong")


@pytest.mark.parametrize("at", [len(MAGIC), len(MAGIC) + 20, HEAD - 1])
def test_a_changed_head_does_not_open(at: int) -> None:
    with pytest.raises(DoesNotOpen):
        opened(flipped(SEALED, at))


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def test_a_changed_byte_is_noticed_before_its_piece_is_given() -> None:
    with pytest.raises(StreamDamaged):
        opened(flipped(SEALED, HEAD + 5))


def test_pieces_cannot_change_places() -> None:
    raw = sealed(b"a" * PIECE_BYTES + b"b" * PIECE_BYTES + b"c")
    whole = PIECE_BYTES + TAG_BYTES
    first, second = raw[HEAD : HEAD + whole], raw[HEAD + whole : HEAD + 2 * whole]
    with pytest.raises(StreamDamaged):
        opened(raw[:HEAD] + second + first + raw[HEAD + 2 * whole :])


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(min_value=1, max_value=len(SEALED) - HEAD))
def test_a_missing_end_is_noticed(cut: int) -> None:
    with pytest.raises((StreamTruncated, StreamDamaged)):
        opened(SEALED[:-cut])


@pytest.mark.parametrize("length", [0, 10, HEAD - 1])
def test_a_missing_head_is_noticed(length: int) -> None:
    with pytest.raises(StreamTruncated):
        SealedReader(io.BytesIO(SEALED[:length]), PHRASE)


@settings(max_examples=60, deadline=None)
@given(extra=st.binary(min_size=1, max_size=100))
def test_nothing_can_be_added(extra: bytes) -> None:
    with pytest.raises((StreamTruncated, StreamDamaged)):
        opened(SEALED + extra)
