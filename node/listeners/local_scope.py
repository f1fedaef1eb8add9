"""What a token's holder may do over the local API: decided before anything leaves the node.

A question without a permitted purpose is refused here; so is one for an organisation that the token
does not name. A question for "everyone" by a token with peers is narrowed to those.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from node.operations.errors import NotPermitted
from node.operations.registry import Role
from node.tokens import Token

RequestT = TypeVar("RequestT", bound=BaseModel)


def require_role(token: Token, roles: frozenset[Role]) -> None:
    """Refuse a token whose role is not among `roles`; an admin may do everything.

    Raises:
        NotPermitted: another role is needed.
    """
    if token.role != "admin" and token.role not in roles:
        raise NotPermitted(
            f"The token {token.name} has the role {token.role}.",
            fix=f"Use a token with the role {' or '.join(sorted(roles))}.",
            code="role-not-permitted",
        )


def narrowed(token: Token, request: RequestT) -> RequestT:
    """The request within the token's purposes and peers, and with its consent.

    Looks at the request's fields `purpose` and `peers` where it has them.

    Raises:
        NotPermitted: the purpose or an organisation is not the token's.
    """
    purpose = getattr(request, "purpose", None)
    if purpose is not None and purpose not in token.purposes:
        raise NotPermitted(
            f"The token {token.name} does not permit the purpose {purpose}.",
            fix=f"Permitted: {', '.join(token.purposes) or 'none'}; `interlingua token create` "
            "makes a token with other purposes.",
            code="purpose-not-permitted",
        )
    if token.may_be_judged and getattr(request, "may_be_judged", False) is None:
        request = request.model_copy(update={"may_be_judged": True})
    if not token.peers or not hasattr(request, "peers"):
        return request
    asked: tuple[str, ...] = request.peers
    foreign = [peer for peer in asked if not token.may_ask(peer)]
    if foreign:
        raise NotPermitted(
            f"The token {token.name} does not permit asking {', '.join(foreign)}.",
            fix=f"Permitted: {', '.join(token.peers)}.",
            code="peer-not-permitted",
        )
    return request.model_copy(update={"peers": asked or token.peers})
