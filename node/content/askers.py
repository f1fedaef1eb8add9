"""Which own questions somebody asked, as long as what opens their actors is kept.

Rule of this file: names are compared with commitments and stay here; nothing is noted of who asked
what. Where an opening was erased, nobody can find the question by its asker any more.
"""

from collections.abc import Callable
from pathlib import Path

from node.audit import schema, tree_rows
from node.content.contents import Contents
from protocol.leaf import Sent, decode_leaf


def leaves_asked_by(
    contents: Contents, log_file: Path, name: str, commitment: Callable[[str, str], str]
) -> frozenset[int]:
    """Return the `sent` leaves of the questions of a token, or of `operator`.

    `commitment` gives what a question's opener and a name commit to. Raises ContentError's kinds.
    """
    if not contents.is_begun:
        return frozenset()
    contents.writer.flush()
    found = set()
    with schema.snapshot(log_file) as log:
        for index in {row.idx for row in contents.records.rows(("actor",), None)}:
            raw = tree_rows.leaf(log, index) or b""
            leaf = decode_leaf(raw)
            kept = [each for each in contents.read(index, raw) if each.kind == "actor"]
            ids = [each.question.decode() for each in kept]
            if isinstance(leaf, Sent) and any(commitment(one, name) == leaf.actor for one in ids):
                found.add(index)
    return frozenset(found)
