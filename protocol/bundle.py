"""The bundle: a part of an audit log in one file that proves itself, without the node it is from.

    {"bundle":1,"index":<n>,"leaf":<the `export` leaf>}     which part, by which filter; stands at n
    {"checkpoint":"<signed note>"}                          over the whole log, that leaf included
    {"root":"<DSSE envelope>"}                              zero or more root documents
    {"subtree":"<hex>"} | {"hash":"<hex>"} | {"leaf":<leaf>}   the whole tree, from left to right
    {"receipt":"<leaf and tlog-proof>"}                     behind a `received` leaf: the partner's
    {"witnessed":"<tlog-proof>"}                            behind it: the later one, cosigned
    {"lines":<lines above>,"sha256":"<hex>"}                over all bytes above

Rule of this file: one log, part and filter have one sequence of bytes, and any other sequence is
refused or leads to another root: places are not written but follow from the export leaf and the
size of the tree (`places`), leaves stand as their own canonical bytes, and each line is canonical
JSON, ended by LF. The export leaf binds part, filter and root documents into the signed tree; the
last line tells damage from contradiction.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import orjson

from protocol.canonical import digest, dumps
from protocol.event_leaves import Exported
from protocol.leaf import decode_leaf
from protocol.limits import MAX_TREE_SIZE
from protocol.log_errors import BundleCut, BundleDamaged, MalformedBundle
from protocol.merkle import complete_subtrees

VERSION = 1
MAX_BUNDLE_LINE = 2 * 1024 * 1024
"""One line with its LF (bytes): a root document or a checkpoint as a JSON string fits."""

Kind = Literal["subtree", "hash", "leaf"]

_HASH = re.compile(rb'\{"(subtree|hash)":"([0-9a-f]{64})"\}')
_HEAD = re.compile(rb'\{"bundle":1,"index":(0|[1-9][0-9]{0,15}),"leaf":(.*)\}', re.DOTALL)
_LEAF = b'{"leaf":'
_END = re.compile(rb'\{"lines":([1-9][0-9]{0,15}),"sha256":"([0-9a-f]{64})"\}\n')


class Piece(NamedTuple):
    """One piece of the tree: a leaf's bytes, or the 32-byte hash of a leaf or of a subtree.

    ``receipt``: the partner's receipt of a leaf that says what was received, as `audit receipt`
    writes it (the partner's leaf in base64, LF, the tlog-proof). ``witnessed``: the tlog-proof of
    the same leaf that followed, under a checkpoint that witnesses cosigned.
    """

    kind: Kind
    data: bytes
    receipt: bytes | None = None
    witnessed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next piece stands: a complete subtree's ``level`` and ``index`` (protocol.merkle).

    ``part``: a leaf of the exported part, in clear or as its hash; ``export``: the export leaf,
    which the bundle's first line holds already.
    """

    level: int
    index: int
    part: bool = False
    export: bool = False


@dataclass(frozen=True)
class Head:
    """What stands before the tree: the export leaf and its index, checkpoint, root documents."""

    index: int
    export: Exported
    checkpoint: bytes
    roots: tuple[bytes, ...]


def places(head_index: int, export: Exported, size: int) -> Iterator[Place]:
    """Yield the places of all pieces of a tree of ``size`` leaves, from left to right.

    Raises MalformedBundle where the part does not lie before its export leaf, or that not in the
    tree.
    """
    if not export.ends <= head_index < size <= MAX_TREE_SIZE:
        raise MalformedBundle("the part lies before its export leaf, and that in the tree")
    for level, index in complete_subtrees(0, export.begins):
        yield Place(level, index)
    for index in range(export.begins, export.ends):
        yield Place(0, index, part=True)
    for level, index in complete_subtrees(export.ends, head_index):
        yield Place(level, index)
    yield Place(0, head_index, export=True)
    for level, index in complete_subtrees(head_index + 1, size):
        yield Place(level, index)


def roots_digest(roots: Iterable[bytes]) -> str:
    """Return the digest by which an export leaf names the root documents of its bundle."""
    return digest(b"".join(_root_line(raw) for raw in roots))


def write_bundle(
    index: int, export: bytes, checkpoint: bytes, roots: Iterable[bytes], pieces: Iterable[Piece]
) -> Iterator[bytes]:
    """Yield the lines of a bundle; ``export`` are the bytes of the leaf at ``index``."""
    sha, lines = hashlib.sha256(), 0
    for line in _lines(index, export, checkpoint, roots, pieces):
        sha.update(line)
        lines += 1
        yield line
    yield dumps({"lines": lines, "sha256": sha.hexdigest()}) + b"\n"


def _lines(
    index: int, export: bytes, checkpoint: bytes, roots: Iterable[bytes], pieces: Iterable[Piece]
) -> Iterator[bytes]:
    yield b'{"bundle":%d,"index":%d,"leaf":%b}\n' % (VERSION, index, export)
    yield dumps({"checkpoint": checkpoint.decode()}) + b"\n"
    for raw in roots:
        yield _root_line(raw)
    for kind, data, receipt, witnessed in pieces:
        yield (
            _LEAF + data + b"}\n"
            if kind == "leaf"
            else b'{"%b":"%b"}\n'
            % (
                kind.encode(),
                data.hex().encode(),
            )
        )
        if receipt is not None:
            yield dumps({"receipt": receipt.decode()}) + b"\n"
        if witnessed is not None:
            yield dumps({"witnessed": witnessed.decode()}) + b"\n"


class BundleReader:
    """Reads a bundle's lines once: first ``head``, then ``pieces()`` to their end.

    Nothing is trusted yet. Each line is bytes with its LF, as a binary file gives them.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        """Read up to the tree; raises MalformedBundle, BundleCut or another LogMaterialError."""
        self._lines, self._sha = iter(lines), hashlib.sha256()
        self._count, self._taken = 0, b""
        index, export = _read_first(self._next())
        checkpoint = _text(self._next(), "checkpoint")
        roots = []
        self._ahead = self._next()
        while self._ahead.startswith(b'{"root":'):
            roots.append(_text(self._ahead, "root"))
            self._ahead = self._next()
        self.head = Head(index, export, checkpoint, tuple(roots))

    def pieces(self) -> Iterator[Piece]:
        """Yield the pieces of the tree.

        Raises MalformedBundle for a line of another form, BundleCut where the last line is missing
        or not the last, and at the end BundleDamaged where that line is not about those above.
        """
        while not self._ahead.startswith(b'{"lines":'):
            piece = _read_piece(self._ahead)
            self._ahead = self._next()
            if piece.kind == "leaf" and self._ahead.startswith(b'{"receipt":'):
                piece = piece._replace(receipt=_text(self._ahead, "receipt"))
                self._ahead = self._next()
                if self._ahead.startswith(b'{"witnessed":'):
                    piece = piece._replace(witnessed=_text(self._ahead, "witnessed"))
                    self._ahead = self._next()
            yield piece
        if next(self._lines, None) is not None:
            raise BundleCut("something follows the last line")
        found = _END.fullmatch(self._ahead)
        if found is None:
            raise MalformedBundle("the last line is not of its form")
        if int(found[1]) != self._count:
            raise BundleDamaged(f"{self._count} lines, where there were {int(found[1])}")
        if found[2].decode() != self._sha.hexdigest():
            raise BundleDamaged("its bytes are not those that were written")

    def _next(self) -> bytes:
        """Take the next line; the one before was not the last, and is counted."""
        if self._taken:
            self._sha.update(self._taken)
            self._count += 1
        line = next(self._lines, None)
        if line is not None and len(line) > MAX_BUNDLE_LINE:  # perhaps read no further: no LF
            raise MalformedBundle(f"a line has at most {MAX_BUNDLE_LINE} bytes")
        if line is None or not line.endswith(b"\n"):
            raise BundleCut("it ends before its last line")
        self._taken = line
        return line


def _root_line(raw: bytes) -> bytes:
    return dumps({"root": raw.decode()}) + b"\n"


def _read_first(line: bytes) -> tuple[int, Exported]:
    found = _HEAD.fullmatch(line[:-1])
    if found is None:
        raise MalformedBundle("it does not begin as a bundle of version 1 does")
    leaf = decode_leaf(found[2])
    if not isinstance(leaf, Exported):
        raise MalformedBundle("its first line holds another leaf than one of an export")
    return int(found[1]), leaf


def _text(line: bytes, name: str) -> bytes:
    """Return what a line of one named text holds, if the line is spelled as it is written."""
    try:
        text = orjson.loads(line)[name]
        if type(text) is str and dumps({name: text}) + b"\n" == line:
            return text.encode()
    except (ValueError, KeyError, TypeError):
        pass
    raise MalformedBundle(f"a {name} stands where it does not belong, or is missing")


def _read_piece(line: bytes) -> Piece:
    found = _HASH.fullmatch(line[:-1])
    if found is not None:
        return Piece("hash" if found[1] == b"hash" else "subtree", bytes.fromhex(found[2].decode()))
    if line.startswith(_LEAF) and line.endswith(b"}\n"):
        return Piece("leaf", line[len(_LEAF) : -2])
    raise MalformedBundle("a line of the tree is neither a leaf nor a hash")
