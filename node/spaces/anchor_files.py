"""Reading an anchor set from what a person has: a file of JSON lines, or of one text a line."""

from pathlib import Path

from node.spaces.anchor_set import AnchorSet, parse_jsonl, parse_text
from node.spaces.errors import AnchorsRefused

MAX_FILE_BYTES = 512 * 2**20


def read_anchors(path: Path) -> AnchorSet:
    """Read a `.jsonl` (or `.json`) file, or any other file as one text a line.

    Raises:
        AnchorsRefused: the file holds no usable set.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise AnchorsRefused(
            f"{path} is larger than {MAX_FILE_BYTES} bytes",
            fix="Import fewer texts; 2,000 to 4,000 give most of what many more would.",
        )
    with path.open("rb") as lines:
        parse = parse_jsonl if path.suffix in (".jsonl", ".json") else parse_text
        return parse(lines)
