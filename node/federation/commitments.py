"""Commitments to the texts of records that are shown, so that an asker can tell copies apart.

The rule of this file: only what is shown anyway is committed to, and only texts: a record that came
as a bare vector has none, nor has one whose text stays where it is: no answer waits for a source.
Texts may be long and many, so they are read and hashed in a thread.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from protocol.content_commitment import commit

if TYPE_CHECKING:
    from node.collections.collection import Collection


async def commitments_of(
    collection: "Collection", key: str, records: Sequence[int]
) -> dict[int, str]:
    """Return the commitments to records' texts under a question's key, by internal key."""
    return await asyncio.to_thread(_made, collection, key, records)


def _made(collection: "Collection", key: str, records: Sequence[int]) -> dict[int, str]:
    return {record: commit(key, text) for record, text in collection.texts(records).items()}
