"""Local callers hold named tokens; the file keeps only their digests.

A token is `ilt_` and 256 random bits in base64url, so a plain SHA-256 at rest cannot be turned
back. It carries a role and the purposes and peers that its holder may use; a revoked name stays in
the file, so that it is not given to someone else unnoticed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from node import durable_file
from node.operations.caller import OPERATOR
from node.operations.errors import Conflict, NotFound
from node.operations.registry import Role
from protocol.notation import PurposeName

PREFIX = "ilt_"
TOKEN_BYTES = 32
NAME = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"

TokenName = Annotated[str, Field(pattern=NAME)]


class Token(BaseModel):
    """What the node keeps about one token.

    Attributes:
        name: who holds it; appears in the log as the actor.
        digest: SHA-256 of the token, hex.
        role: asker (may ask), admin (may also change), auditor (may read status and logs).
        purposes: the purposes its holder may state; none: may not ask.
        peers: organisations its holder may ask; empty means all.
        may_be_judged: its holder lets questions be kept and judged, where none says otherwise.
        created: epoch seconds UTC.
        revoked: epoch seconds UTC, or None while it is valid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: TokenName
    digest: str
    role: Role
    purposes: tuple[PurposeName, ...]
    peers: tuple[str, ...]
    created: int
    revoked: int | None = None
    may_be_judged: bool = False

    def may_ask(self, peer: str) -> bool:
        """Whether the holder may ask this organisation."""
        return not self.peers or peer in self.peers


_FILE = TypeAdapter(tuple[Token, ...])


class Tokens:
    """The tokens of one node, kept in one file (0600, replaced atomically).

    Args:
        path: the file; a missing one holds no tokens.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        known = _FILE.validate_json(path.read_bytes()) if path.exists() else ()
        self._by_name = {token.name: token for token in known}

    def list(self) -> tuple[Token, ...]:
        """All tokens, also revoked ones, by name."""
        return tuple(sorted(self._by_name.values(), key=lambda token: token.name))

    def require_new(self, name: str) -> None:
        """Refuse a name that is, or was, a token's, or is that of the data directory's owner.

        Raises:
            Conflict: it was used before.
        """
        if name == OPERATOR:
            raise Conflict(
                f"{OPERATOR} stands in the log for whoever owns the data directory.",
                fix="Choose another name.",
                code="token-exists",
            )
        if name in self._by_name:
            raise Conflict(
                f"There is, or was, a token named {name}.",
                fix="Choose another name; names are not reused, so that the log stays clear.",
                code="token-exists",
            )

    def create(
        self,
        name: str,
        role: Role,
        purposes: tuple[str, ...],
        peers: tuple[str, ...],
        at: int,
        *,
        may_be_judged: bool = False,
    ) -> tuple[Token, str]:
        """Make a token; its secret is returned once and kept nowhere.

        Raises:
            Conflict: the name was used before.
        """
        self.require_new(name)
        secret = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        token = Token(
            name=name,
            digest=_digest(secret),
            role=role,
            purposes=purposes,
            peers=peers,
            created=at,
            may_be_judged=may_be_judged,
        )
        self._keep(token)
        return token, secret

    def revoke(self, name: str, at: int) -> Token:
        """End a token at once.

        Raises:
            NotFound: no token has that name.
        """
        token = self._by_name.get(name)
        if token is None:
            raise NotFound(f"There is no token named {name}.", fix="interlingua token list")
        if token.revoked is None:
            token = token.model_copy(update={"revoked": at})
            self._keep(token)
        return token

    def holder(self, secret: str) -> Token | None:
        """The valid token with this secret, or None."""
        digest = _digest(secret)
        for token in self._by_name.values():
            if hmac.compare_digest(token.digest, digest):
                return token if token.revoked is None else None
        return None

    def _keep(self, token: Token) -> None:
        changed = {**self._by_name, token.name: token}
        durable_file.replace(self._path, _FILE.dump_json(tuple(changed.values()), indent=1))
        self._by_name = changed


def _digest(secret: str) -> str:
    # a stranger's header may hold any bytes; those that are no UTF-8 come as lone surrogates
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
