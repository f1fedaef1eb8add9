"""Reading an anchor set from what a person has: JSON lines, plain lines, or a BEIR directory."""

from pathlib import Path

from node.regular_file import open_regular
from node.spaces.anchor_set import AnchorSet, make_anchor_set, parse_jsonl, parse_text
from node.spaces.beir import is_beir, read_beir
from node.spaces.errors import AnchorsRefused

MAX_FILE_BYTES = 512 * 2**20


def read_anchors(path: Path, limit: int | None = None) -> AnchorSet:
    """Read a `.jsonl` (or `.json`) file, a BEIR directory, or any other file as one text a line.

    With `limit`, that many of its texts (see `make_anchor_set`).

    Raises:
        AnchorsRefused: there is no usable set.
    """
    if path.is_dir() and not is_beir(path):
        raise AnchorsRefused(
            f"{path} has no corpus.jsonl",
            fix="Name a file, or a directory with corpus.jsonl, queries.jsonl and qrels/.",
        )
    sources = [*path.glob("*.jsonl"), *path.glob("qrels/*.tsv")] if path.is_dir() else [path]
    if sum(each.stat().st_size for each in sources) > MAX_FILE_BYTES:
        raise AnchorsRefused(
            f"{path} is larger than {MAX_FILE_BYTES} bytes",
            fix="Import fewer texts; 2,000 to 4,000 give most of what many more would.",
        )
    if path.is_dir():
        return make_anchor_set(read_beir(path), limit)
    with open_regular(path) as lines:
        parse = parse_jsonl if path.suffix in (".jsonl", ".json") else parse_text
        return parse(lines, limit)
