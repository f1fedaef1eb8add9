"""Operations on local callers' tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.caller import caller
from node.operations.registry import NoRequest, Progress, Role, operation
from node.tokens import Token, TokenName
from protocol.notation import Organisation, PurposeName

if TYPE_CHECKING:
    from node.node import Node


class CreateToken(BaseModel, extra="forbid"):
    """A new token; without purposes its holder may not ask.

    `may_be_judged`: its holder agreed that texts of questions are kept and judged by people.
    """

    name: TokenName
    role: Role = "asker"
    purposes: tuple[PurposeName, ...] = ()
    peers: tuple[Organisation, ...] = ()
    may_be_judged: bool = False


class TokenInfo(BaseModel):
    """A token without its digest."""

    name: str
    role: Role
    purposes: tuple[str, ...]
    peers: tuple[str, ...]
    created: int
    revoked: int | None
    may_be_judged: bool


class CreatedToken(TokenInfo):
    """The new token and its secret, shown this once."""

    token: str


class RevokeToken(BaseModel, extra="forbid"):
    """The name of the token to end."""

    name: str


class TokenList(BaseModel):
    """All tokens, also revoked ones, by name."""

    tokens: tuple[TokenInfo, ...]


@operation("token.create")
async def create(node: Node, request: CreateToken, progress: Progress) -> CreatedToken:
    """Create a token for a local caller."""
    del progress
    # the leaf first: nobody may ask with a token that the log does not know
    node.tokens.require_new(request.name)
    await _note(node, "token-create", request.name)
    token, secret = node.tokens.create(
        request.name, request.role, request.purposes, request.peers, node.clock(),
        may_be_judged=request.may_be_judged,
    )  # fmt: skip
    return CreatedToken(token=secret, **_info(token).model_dump())


@operation("token.list")
async def list_tokens(node: Node, request: NoRequest, progress: Progress) -> TokenList:
    """List the tokens of local callers."""
    del request, progress
    return TokenList(tokens=tuple(_info(token) for token in node.tokens.list()))


@operation("token.revoke")
async def revoke(node: Node, request: RevokeToken, progress: Progress) -> TokenInfo:
    """End a token at once."""
    del progress
    revoked = node.tokens.revoke(request.name, node.clock())
    await _note(node, "token-revoke", request.name)
    return _info(revoked)


async def _note(node: Node, act: str, name: str) -> None:
    """Leave an `admin` leaf."""
    from node.audit.entry import Entry
    from protocol.event_leaves import AdminActed

    leaf = AdminActed(at=node.clock(), by=caller(), operation=act, subject=name)
    await node.log.append(Entry(leaf))


def _info(token: Token) -> TokenInfo:
    return TokenInfo(
        name=token.name,
        role=token.role,
        purposes=token.purposes,
        peers=token.peers,
        created=token.created,
        may_be_judged=token.may_be_judged,
        revoked=token.revoked,
    )
