"""Operations on what is kept of exchanges beside the log: read one record, erase.

Rule of this file: whoever reads content leaves a leaf first. What was erased is reported as erased
only when nothing of its keys is left in the files; until then it is `pending`, and finished later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from node.operations.errors import InvalidRequest, NotFound
from node.operations.registry import Progress, operation
from protocol.notation import Organisation

if TYPE_CHECKING:
    from collections.abc import Collection

    from node.content.erasing import Basis
    from node.content.selection import Selection
    from node.node import Node

Whole = Annotated[int, Field(ge=0, le=2**53 - 1)]
Commitment = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class ReadContent(BaseModel, extra="forbid"):
    """The leaf whose content is to be read."""

    index: Whole


class ShownContent(BaseModel):
    """What is kept for a leaf: the question as signed, the answer's payload line, both JSON.

    None where nothing of it is kept.
    """

    index: int
    question: str | None
    answer: str | None


class EraseContent(BaseModel, extra="forbid"):
    """What to erase: one of `leaves`, `peer`, `subjects`, `asker`, `before`, or peer and before.

    `leaves`: indexes; the other leaf of the exchange goes with each. `subjects`: commitments to
    actors; `asker`: name of a token, or `operator`. `before`: epoch seconds, UTC. `dry_run`: count
    only.
    """

    leaves: tuple[Whole, ...] = ()
    peer: Organisation | None = None
    subjects: tuple[Commitment, ...] = ()
    asker: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    before: Whole | None = None
    dry_run: bool = False


class ContentErased(BaseModel):
    """What was erased, or would be: records by kind; indexes of the `erasure` leaves.

    `erased`: nothing of their keys is left. `pending`: keys are deleted and nobody can read the
    records through the node, but old pages are left in a file (`waits` says why); the node goes on
    by itself. `nothing`: nothing of the kind is kept. `found`: a dry run.

    The same holds of `vectors` of own questions that were, or would be, deleted from what selecting
    silos has learnt: all that were learnt when the questions meant were asked, as nothing tells
    which is whose.
    """

    state: Literal["erased", "pending", "nothing", "found"]
    records: dict[str, int]
    leaves: tuple[int, ...]
    waits: str | None
    vectors: int = 0


@operation("audit.content", role="auditor")
async def content(node: Node, request: ReadContent, progress: Progress) -> ShownContent:
    """Read what is kept of one leaf's question and answer; leaves a leaf."""
    import asyncio

    from node.operations.caller import caller

    del progress
    try:
        raw = node.log.receipt(request.index).leaf
    except LookupError as error:
        raise NotFound(f"{error}.", fix="See `interlingua audit search`.") from None
    await node.readings.note(caller(), "content", lambda: (node.log.size(), 1), leaf=request.index)
    kept = await asyncio.to_thread(node.contents.read, request.index, raw)
    said = [each for each in kept if each.kind not in ("actor", "question")]
    if not said:
        raise NotFound(
            f"Nothing of leaf {request.index} is kept: {why_not(node, request.index)}.",
            fix="See `interlingua audit search --type erasure`, and `content` in the settings.",
            code="not-kept",
        )
    question = b"".join(each.question for each in said)
    answer = b"".join(each.answer for each in said)
    return ShownContent(
        index=request.index,
        question=question.decode() or None,
        answer=answer.decode() or None,
    )


@operation("audit.erase", role="admin")
async def erase(node: Node, request: EraseContent, progress: Progress) -> ContentErased:
    """Erase what is kept of exchanges: by leaf, partner, age or subject commitment."""
    import asyncio

    from node.operations.caller import caller
    from node.operations.past_questions import forget_erased

    progress(0, None, "records")
    selection, basis = await asyncio.to_thread(_selection, node, request)
    if request.dry_run:
        found = await node.erasures.count(selection)
        vectors = await _past_vectors(node, selection)
        return ContentErased(
            state="found", records=dict(found), leaves=(), waits=None, vectors=vectors
        )
    vectors = await _past_vectors(node, selection, delete=True)
    done = await node.erasures.erase(selection, basis, caller())
    await asyncio.to_thread(forget_erased, node)
    waits = " ".join(filter(None, (done.waits, why_vectors_wait(node)))) or None
    state: Literal["erased", "pending", "nothing"] = "pending" if waits else "nothing"
    if not waits and (done.records or done.leaves or vectors):
        state = "erased"
    return ContentErased(
        state=state,
        records=dict(done.records),
        leaves=tuple(done.leaves),
        waits=waits,
        vectors=vectors,
    )


def why_vectors_wait(node: Node) -> str | None:
    """Say why deleted vectors of own questions are left in selection.db; None: none are."""
    if not node.data.selection_file.exists() or not node.past_answers.unemptied:
        return None
    return "selection.db is being read by another program, so deleted vectors stay in its files"


async def _past_vectors(node: Node, selection: Selection, *, delete: bool = False) -> int:
    """Count, or delete, what was learnt of the own questions among the leaves that are meant."""
    import asyncio

    from node.audit.exchange_leaves import sent_times

    if not node.data.selection_file.exists():
        return 0
    meant = selection.indexes, selection.peer, selection.before
    times = await asyncio.to_thread(sent_times, node.data.log_file, *meant)
    return node.past_answers.asked_at(times, delete)


def _selection(node: Node, request: EraseContent) -> tuple[Selection, Basis]:
    from node.audit.exchange_leaves import leaves_of_actors, with_other_leaves
    from node.content.askers import leaves_asked_by
    from node.content.selection import Selection
    from node.federation.actors import Actors

    by_age_or_peer = request.peer or request.before is not None
    given = [request.leaves, request.subjects, request.asker, by_age_or_peer]
    if sum(map(bool, given)) != 1:
        raise InvalidRequest(
            "Name what to erase: leaves, or a partner, or an age, or subjects, or an asker; a "
            "partner and an age may go together.",
            fix="See `interlingua audit erase --help`.",
        )
    log_file = node.data.log_file
    if request.leaves:
        return Selection(indexes=with_other_leaves(log_file, request.leaves)), "record"
    if request.subjects:
        return Selection(indexes=leaves_of_actors(log_file, request.subjects)), "subject"
    if request.asker is not None:
        actors = Actors(node.identity.master())
        sent = leaves_asked_by(node.contents, log_file, request.asker, actors.commitment)
        return Selection(indexes=with_other_leaves(log_file, sent)), "subject"
    if request.peer is not None:
        return Selection(peer=request.peer, before=request.before), "peer"
    return Selection(before=request.before), "age"


def why_not(node: Node, index: int, kinds: Collection[str] = ("asked", "answered")) -> str:
    """Say why nothing of these kinds is kept of a leaf.

    A later erasure's range may go over a leaf of which nothing was left: the first one is named.
    """
    from node.audit.exchange_leaves import erasures_of

    erased = erasures_of(node.data.log_file, index, kinds)
    if erased:
        return f"leaf {erased[0]} says that it was erased"
    return (
        "the settings keep none of its kind, it carried none, or it was before this directory was "
        "restored from a backup"
    )
