"""Anchor sets as files, and members' files of their embeddings."""

import json
from functools import cache

from node.spaces.anchor_set import MIN_ANCHORS, parse_jsonl, parse_text
from node.spaces.embedding_file import decode_embeddings
from node.spaces.errors import AnchorsRefused, EmbeddingsRefused
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_bytes, changed_json
from tests.fuzz.target import Target
from tests.node.spaces.consortium import embeddings

FILE = b"\0embeddings"
"""Before a file of embeddings, to tell it from a set."""


@cache
def valid() -> list[bytes]:
    """A set as JSON Lines, and a member's embeddings of one."""
    rows = [{"document": f"document {i}. More", "query": f"ask {i}"} for i in range(MIN_ANCHORS)]
    lines = "\n".join(map(json.dumps, rows)).encode()
    return [lines, FILE + embeddings("a.example", 16, 1, MIN_ANCHORS).encoded]


def nearly(choices: Choices) -> bytes:
    """A set with one other line, or embeddings with another head."""
    if choices.below(2):
        lines = valid()[0].split(b"\n")
        at = choices.below(len(lines))
        lines[at] = json.dumps(changed_json(json.loads(lines[at]), choices)).encode()
        return b"\n".join(lines)
    raw = valid()[1][len(FILE) :]
    size = 8 + int.from_bytes(raw[:8], "little")
    head = changed_bytes(raw[8:size], choices, 2)
    return FILE + len(head).to_bytes(8, "little") + head + raw[size:]


def read(raw: bytes) -> None:
    """Read a file of embeddings, or a set: as text, then as JSON Lines."""
    if raw.startswith(FILE):
        decode_embeddings(raw[len(FILE) :])
        return
    lines = raw.splitlines(keepends=True)
    try:
        parse_text(lines).manifest  # noqa: B018 # the digests of texts are made here
    finally:
        parse_jsonl(lines).manifest  # noqa: B018 # as above


TARGET = Target(
    "anchors",
    "anchors are read or AnchorsRefused, their embeddings or EmbeddingsRefused",
    read,
    (AnchorsRefused, EmbeddingsRefused),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
