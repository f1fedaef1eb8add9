"""Documents on their way, heads, and files that are written from them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from node.transfer import files, npy, parquet
from node.transfer.form import End, Head, Moved
from node.transfer.named_source import NamedSource
from node.transfer.opening import open_source
from protocol.envelope import Envelope
from tests.node.collections.rooms import envelope, vectors

WIDTH = 4


def head(of: Envelope | None = None) -> Head:
    """A head of vectors of four components, or of those of an envelope."""
    found = envelope(dimension=WIDTH) if of is None else of
    return Head(
        name="papers", title="Our papers", description="", language="en", version="v1",
        space=found.space_id, envelope=found, sources=True, exported_at=7,
    )  # fmt: skip


def write(path: Path, of: Head, documents: Sequence[Moved]) -> End:
    """Write a file of the kind that its name says."""
    if path.suffix == ".parquet":
        with files.begin(path) as file:
            end = parquet.write(file, of, documents)
        files.part_of(path).rename(path)
        return end
    with files.begin(path) as array, files.begin(npy.sidecar(path)) as lines:
        count = sum(len(one.spans) for one in documents)
        end = npy.write((array, lines), of, count, documents)
    for one in (path, npy.sidecar(path)):
        files.part_of(one).rename(one)
    return end


def read(path: Path) -> tuple[Head | None, list[Moved], End | None]:
    """Read such a file to its end."""
    source = open_source(NamedSource(source=str(path)))
    try:
        found = list(source.documents())
        return source.head, found, source.end()
    finally:
        source.close()


_WORDS = st.text(st.characters(codec="utf-8", min_codepoint=0xA0), min_size=1, max_size=12)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False,
    allow_infinity=False) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> list[Moved]:
    """Up to six documents with ids of their own, with or without texts, of one to three pieces."""
    ids = draw(st.lists(_WORDS, max_size=6, unique=True))
    made = []
    for number, name in enumerate(ids):
        text = draw(st.none() | _WORDS)
        length = len(text or "")
        places = st.tuples(st.integers(0, length), st.integers(0, length))
        spans = draw(st.lists(places, min_size=1, max_size=3))
        made.append(
            Moved(
                id=name,
                where="here",
                spans=tuple((min(one), max(one)) for one in spans),
                vectors=vectors(len(spans), WIDTH, seed=number),
                labels=tuple(sorted(draw(st.sets(_WORDS, max_size=2)))),
                metadata=draw(st.dictionaries(_WORDS, _JSON, max_size=3)),
                uri=draw(st.none() | _WORDS),
                text=text,
                encoded=draw(st.booleans()),
            )
        )
    return made


def plain(count: int) -> list[Moved]:
    """So many documents of one piece, without texts."""
    rows = np.asarray(vectors(count, WIDTH))
    return [Moved(f"d{n}", f"{n}", ((0, 0),), rows[n : n + 1]) for n in range(count)]
