"""The one way to add something that a node's people can do: an operation.

To add a verb, say `collection compact`:

1. In `node/operations/collections.py` write the models and the handler:

       class Compact(BaseModel):
           collection: str

       class Compacted(BaseModel):
           removed: int

       @operation("collection.compact", role="admin")
       async def compact(node: Node, request: Compact, progress: Progress) -> Compacted:
           '''Rebuild the index without deleted documents.'''
           collection = node.collections.get(request.collection)   # raises NotFound
           return Compacted(removed=await collection.compact(progress))

   `Node` is imported under `TYPE_CHECKING`; heavy modules inside the handler, so that the command
   line can import the models quickly. Raise `node.operations.errors`, or your room's own errors.
2. In `node/operations/catalogue.py` add the group's line,
   `"collection": "node.operations.collections"`.
3. In `node/cli/collection.py` add the command (see `node/cli/run.py`).

Handlers are cancelled at any await when the caller goes away; they leave the store whole.
`node.operations.caller.caller()` names who asked (a token's name, or `operator`).
`progress(done, total, what)` may be called from any thread and as often as you like.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_type_hints

from pydantic import BaseModel

if TYPE_CHECKING:
    from node.node import Node

Progress = Callable[[int, int | None, str], None]
"""(done, total or None when unknown, what): counts in the unit that `what` names."""

Role = Literal["asker", "admin", "auditor"]

RequestT = TypeVar("RequestT", bound=BaseModel)
ResultT = TypeVar("ResultT", bound=BaseModel)
Handler = Callable[["Node", RequestT, Progress], Awaitable[ResultT]]


class NoRequest(BaseModel, extra="forbid"):
    """The request of an operation that needs no arguments."""


@dataclass(frozen=True)
class Operation:
    """One registered operation.

    Attributes:
        name: `group.verb`, or a bare verb such as `status`.
        role: the least a local token must be to call it over the local API; the admin socket's
            callers own the data directory and may call everything.
        request: model of the request.
        result: model of the result.
        summary: first line of the handler's docstring.
    """

    name: str
    role: Role
    request: type[BaseModel]
    result: type[BaseModel]
    handler: Callable[[Any, Any, Progress], Awaitable[BaseModel]]
    summary: str


_registered: dict[str, Operation] = {}


def operation(
    name: str, *, role: Role = "admin"
) -> Callable[[Handler[RequestT, ResultT]], Handler[RequestT, ResultT]]:
    """Register an async handler `(node, request, progress) -> result` under a name."""

    def register(handler: Handler[RequestT, ResultT]) -> Handler[RequestT, ResultT]:
        # Node is only imported for type checking in the handlers' modules, hence the stand-in.
        hints = get_type_hints(handler, localns={"Node": object})
        documentation = (handler.__doc__ or "").strip()
        if name in _registered or not documentation:
            raise ValueError(f"operation {name}: registered twice, or without a docstring")
        _registered[name] = Operation(
            name=name,
            role=role,
            request=hints["request"],
            result=hints["return"],
            handler=handler,
            summary=documentation.splitlines()[0],
        )
        return handler

    return register


def registered() -> dict[str, Operation]:
    """All operations of the modules imported so far, by name."""
    return dict(_registered)


def silent(done: int, total: int | None, what: str) -> None:
    """A `Progress` that tells nobody."""
