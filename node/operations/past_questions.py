"""Past questions, as far as their askers let them be judged: what people judge, and what is erased.

The rule of this file: a question is shown to whoever judges it only where its asker agreed, and
without the asker's name. What was made of it goes when the record that its text was kept in goes:
by `audit erase`, or when `content.questions_days` are over.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.registry import Progress, operation

if TYPE_CHECKING:
    from node.collections.collection import Collection
    from node.node import Node

KIND = "question"

MOST = 1_000
"""Questions that are written for judging at most, the latest ones."""

SHOWN = 10
"""Documents of each version that are shown with a question."""

SHOWN_CHARS = 300


class PastQuestions(BaseModel, extra="forbid"):
    """Which collection's documents are put beside past questions, and the new file for both."""

    collection: str
    out: Path


class PastWritten(BaseModel):
    """How many past questions, each once, were written where."""

    collection: str
    questions: int
    out: Path


@operation("collection.questions")
async def questions(node: Node, request: PastQuestions, progress: Progress) -> PastWritten:
    """Write past questions that may be judged, with what every kept version finds for each."""
    import asyncio

    import orjson

    from node.durable_file import replace
    from node.operations.caller import caller
    from node.operations.errors import InvalidRequest

    collection = node.collections.get(request.collection)
    rows = await asyncio.to_thread(_rows, node)
    if not rows:
        raise InvalidRequest(
            "No question is kept whose asker lets it be judged.",
            fix="Ask with --may-be-judged, or `interlingua token create --may-be-judged`.",
        )
    await node.readings.note(caller(), "content", lambda: (node.log.size(), len(rows)))
    progress(0, None, "past questions")
    asked = await asyncio.to_thread(_texts, node, rows)
    texts = list(asked)[-MOST:]
    shown = await _shown(collection, texts)
    lines = (
        {"question": text, "relevant": [], "asked": asked[text], "candidates": found}
        for text, found in zip(texts, shown, strict=True)
    )
    written = b"".join(orjson.dumps(line) + b"\n" for line in lines)
    await asyncio.to_thread(replace, request.out, written)
    return PastWritten(collection=collection.name, questions=len(texts), out=request.out)


def forget_erased(node: Node) -> int:
    """Delete golden questions of which no record is left any more; return how many; blocking."""
    from node.store import golden_rows
    from node.store.schema import MIGRATIONS

    node.store.migrate("data", MIGRATIONS)
    with node.store.read() as db:
        made = golden_rows.past(db)
    if not made:
        return 0
    kept = set(_rows(node))
    gone = [key for key, leaves in made if kept.isdisjoint(leaves)]
    if gone:
        with node.store.write() as db:
            golden_rows.delete(db, gone)
    return len(gone)


def _rows(node: Node) -> list[int]:
    """The leaves beside which a question's text is kept, oldest first."""
    if not node.contents.is_begun:
        return []
    node.contents.writer.flush()
    return sorted({row.idx for row in node.contents.records.rows((KIND,), None)})


def _texts(node: Node, leaves: list[int]) -> dict[str, list[int]]:
    """The texts that are kept, oldest first, and the leaves of each."""
    import orjson

    asked: dict[str, list[int]] = defaultdict(list)
    for index in leaves:
        kept = node.contents.read(index, node.log.receipt(index).leaf)
        for each in (one for one in kept if one.kind == KIND):
            for text in orjson.loads(each.question):
                asked[text].append(index)
    return asked


async def _shown(collection: Collection, texts: list[str]) -> list[list[dict[str, str]]]:
    """For each text the documents that any kept version finds first, with how they begin."""
    import asyncio

    from node.collections.finding import natively
    from node.collections.judging import rankings
    from node.store.golden_rows import Golden

    asked = [Golden(text, {}) for text in texts]
    pools: list[dict[str, None]] = [{} for _ in texts]
    for version in collection.standing.kept:
        lists = await rankings(collection, natively(version), asked, [])
        for pool, found in zip(pools, lists, strict=True):
            pool.update(dict.fromkeys(found[:SHOWN]))

    def described() -> list[list[dict[str, str]]]:
        rows = collection.find({name for pool in pools for name in pool})
        texts = collection.texts([row.key for row in rows.values()])
        return [
            [
                {"id": name, "text": texts.get(rows[name].key, "")[:SHOWN_CHARS]}
                for name in sorted(pool)  # not in the order of any model
                if name in rows
            ]
            for pool in pools
        ]

    return await asyncio.to_thread(described)
