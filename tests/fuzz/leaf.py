"""Leaves of a partner's audit log."""

from functools import cache

import orjson

from protocol.leaf import decode_leaf
from protocol.log_errors import MalformedLeaf
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_json, spelled
from tests.fuzz.target import Target
from tests.protocol.leaf_samples import every_leaf


@cache
def valid() -> list[bytes]:
    """One leaf of every type."""
    return [leaf.encode() for leaf in every_leaf()]


def nearly(choices: Choices) -> bytes:
    """A leaf with other members."""
    return spelled(changed_json(orjson.loads(choices.pick(valid())), choices), choices)


TARGET = Target(
    "leaf", "a leaf is read, or MalformedLeaf", decode_leaf, (MalformedLeaf,), valid, nearly
)

if __name__ == "__main__":
    main(TARGET)
