"""Opening the actor of an own question: who asked it, for those whom the organisation's rules name.

Rule of this file: the rules are asked first, then the log is told, and only then the name is said.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from node.operations.caller import OPERATOR, caller
from node.operations.errors import InvalidRequest, NotFound, NotPermitted
from node.operations.registry import Progress, operation
from protocol.notation import Text

if TYPE_CHECKING:
    from node.node import Node
    from protocol.leaf import Sent


class OpenActor(BaseModel, extra="forbid"):
    """The own `sent` leaf, and the matter for which its actor is opened."""

    index: Annotated[int, Field(ge=0, le=2**53 - 1)]
    case: Text


class ActorOpened(BaseModel):
    """Who asked, and what proves it: SHA-256 of the opening (hex) and the name is the commitment.

    `name` is a token's, or `operator`.
    """

    index: int
    name: str
    commitment: str
    opening: str
    peer: str
    query: str


@operation("audit.open-actor", role="auditor")
async def open_actor(node: Node, request: OpenActor, progress: Progress) -> ActorOpened:
    """Name the person who asked an own question, where the rules allow it; leaves a leaf."""
    import asyncio

    from node.federation.actors import Actors, committed
    from node.operations.audit_content import why_not

    del progress
    by = caller()
    if by not in node.settings.audit.actor_openers:
        raise NotPermitted(
            f"The rules of this organisation do not let {by} open actors.",
            fix="The setting audit.actor_openers names who may; only the node's admin changes it.",
            code="actor-not-permitted",
        )
    raw, sent, commitment = _own_question(node, request.index)
    kept = await asyncio.to_thread(node.contents.read, request.index, raw)
    question = next((each.question for each in kept if each.kind == "actor"), None)
    if question is None:
        raise NotFound(
            f"What opens the actor of leaf {request.index} is not kept: "
            f"{why_not(node, request.index, ('actor',))}.",
            fix="See `content.actors_days` in the settings.",
            code="not-kept",
        )
    await node.readings.note(
        by, "actor", lambda: (node.log.size(), 1), leaf=request.index, case=request.case
    )
    opening = Actors(node.identity.master()).opening(question.decode())
    names = (OPERATOR, *(token.name for token in node.tokens.list()))
    for name in names:
        if hmac.compare_digest(committed(opening, name), commitment):
            return ActorOpened(
                index=request.index,
                name=name,
                commitment=commitment,
                opening=opening.hex(),
                peer=sent.peer,
                query=sent.query,
            )
    raise NotFound(
        f"No token that this node knows asked the question of leaf {request.index}.",
        fix="Tokens are kept in tokens.json, revoked ones too; was it replaced by an older one?",
        code="actor-unknown",
    )


def _own_question(node: Node, index: int) -> tuple[bytes, Sent, str]:
    """The leaf's bytes, the leaf, and its commitment."""
    from protocol.leaf import Sent, decode_leaf

    try:
        raw = node.log.receipt(index).leaf
    except LookupError as error:
        raise NotFound(f"{error}.", fix="See `interlingua audit search --type sent`.") from None
    leaf = decode_leaf(raw)
    if not isinstance(leaf, Sent):
        query = getattr(leaf, "query", None)
        raise InvalidRequest(
            f"Leaf {index} is of the type {leaf.type}; actors are opened of own questions (sent).",
            fix="See `interlingua audit search --type sent`."
            if query is None or leaf.peer is None
            else f"Only {leaf.peer} can open who asked it there: name it the query {query}.",
            code="not-an-own-question",
        )
    if leaf.actor is None:
        raise NotFound(
            f"The question of leaf {index} names no actor.",
            fix="See `interlingua audit search --type sent`.",
            code="actor-unknown",
        )
    return raw, leaf, leaf.actor
