"""The invitations that this node has made: kept by digest, answered once, for a time.

The rule of this file: an invitation is used up on disk before anything follows from it, so that no
crash and no race lets it be answered twice; and nothing but a person makes another one. What the
file holds does not let its reader answer an invitation.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from node import durable_file
from node.federation.errors import InvitationsDamaged, InvitationUsed, TooManyPairings
from protocol.invitation import PairingRefused

MAX_OPEN = 64
"""Invitations that may wait for an answer at once."""

MAX_KEPT = 256
"""Invitations that are kept for `peer invitations`, the newest first."""

Outcome = Literal["received", "name-taken", "failed"]


class Use(BaseModel):
    """Who answered an invitation: by which request (digest), when, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: str
    organisation: str
    root: str
    at: int
    outcome: Outcome


class Invited(BaseModel):
    """One invitation that was made; `lookup` is the digest of its nonce, `id` how people name it.

    `root` is the own root key that it names. `organisation` is whom it is for, None for whoever
    holds it. The transport options are for the partner that it brings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lookup: str
    root: str
    organisation: str | None
    made_at: int
    made_by: str
    expires: int
    allow_private: bool = False
    allow_plaintext: bool = False
    ca_file: Path | None = None
    use: Use | None = None

    @property
    def id(self) -> str:
        """The first eight digits of its digest."""
        return self.lookup.removeprefix("sha256:")[:8]

    def is_open(self, at: int) -> bool:
        """Whether it may still be answered."""
        return self.use is None and at < self.expires


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    v: Literal[1] = 1
    invitations: tuple[Invited, ...]


class InvitationBook:
    """All invitations, in one small file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._invitations: dict[str, Invited] = {}

    @classmethod
    def open(cls, path: Path) -> "InvitationBook":
        """Read the file, if there is one; raises InvitationsDamaged."""
        book = cls(path)
        if path.exists():
            try:
                kept = _File.model_validate_json(path.read_bytes()).invitations
            except ValidationError:
                raise InvitationsDamaged(f"{path.name} cannot be read.") from None
            book._invitations = {each.lookup: each for each in kept}
        return book

    def all(self) -> list[Invited]:
        """Every invitation that is kept, the newest first."""
        return sorted(self._invitations.values(), key=lambda each: -each.made_at)

    def add(self, invited: Invited, at: int) -> None:
        """Keep a new one; raises TooManyPairings."""
        if sum(each.is_open(at) for each in self._invitations.values()) >= MAX_OPEN:
            raise TooManyPairings(f"{MAX_OPEN} invitations wait for an answer already.")
        self._put({**self._invitations, invited.lookup: invited})

    def withdraw(self, name: str) -> Invited:
        """Delete the one with the id `name`; one that was used stays on record.

        Raises PairingRefused (invitation-unknown) or InvitationUsed.
        """
        found = next((each for each in self._invitations.values() if each.id == name), None)
        if found is None:
            raise PairingRefused("invitation-unknown", "No invitation with this id was made here.")
        if found.use is not None:
            used = found.use.organisation
            raise InvitationUsed(
                f"The invitation was used by {used}; withdrawing it would undo nothing.",
                fix=f"interlingua peer remove {used}, where it is to be no partner",
            )
        self._put({key: one for key, one in self._invitations.items() if one is not found})
        return found

    def answered(self, lookup: str, request: str) -> Invited | None:
        """The invitation, if this very request has used it."""
        invited = self._invitations.get(lookup)
        if invited is None or invited.use is None or invited.use.request != request:
            return None
        return invited

    def check(self, lookup: str, organisation: str, at: int) -> Invited:
        """The invitation, if `organisation` may answer it now; raises PairingRefused."""
        invited = self._invitations.get(lookup)
        if invited is None:
            raise PairingRefused("invitation-unknown", "No such invitation was made here.")
        if invited.use is not None:
            raise PairingRefused(
                "invitation-used", f"The invitation was used by {invited.use.organisation}."
            )
        if at >= invited.expires:
            raise PairingRefused("invitation-expired", "The invitation has expired.")
        if invited.organisation not in (None, organisation):
            raise PairingRefused(
                "invitation-for-another",
                f"The invitation is for {invited.organisation}, not for {organisation}.",
            )
        return invited

    def use(self, lookup: str, use: Use) -> None:
        """Note its use, or what became of it; durable when this returns."""
        invited = self._invitations[lookup].model_copy(update={"use": use})
        self._put({**self._invitations, lookup: invited})

    def _put(self, invitations: dict[str, Invited]) -> None:
        newest = sorted(invitations.values(), key=lambda each: each.made_at)[-MAX_KEPT:]
        content = _File(invitations=tuple(newest)).model_dump_json(indent=1)
        durable_file.replace(self._path, content.encode())
        self._invitations = {each.lookup: each for each in newest}
