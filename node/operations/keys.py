"""Operations on the own keys: list, rotate, revoke; the root document that is signed elsewhere."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field, model_validator

from node.operations.errors import Conflict, InvalidRequest
from node.operations.registry import NoRequest, Progress, operation
from protocol.notation import KeyId, Text

if TYPE_CHECKING:
    from keys.ring import KeyRecord
    from node.identity import Identity
    from node.node import Node
    from node.root_keeper import Change
    from protocol.log_terms import LogTerm

KeyState = Literal["in use", "next", "ending", "expired", "revoked", "draft", "away"]
"""in use: signs now. next: published, its time has not come. ending: replaced, still valid.
expired, revoked: signs no more. draft: in no signed version yet. away: valid, not in this directory
(a root key that is kept elsewhere, or a key that was lost)."""


class KeyInfo(BaseModel):
    """One own key; times are epoch seconds UTC, None for a key that is only revoked, or ended.

    `from_size` and `until_size`, where known: the smallest and the largest tree (leaves) whose
    checkpoint a log key signs.
    """

    kid: str
    purpose: Literal["root", "card", "sign", "log", "witness"] | None
    state: KeyState
    not_before: int | None
    not_after: int | None
    at_hand: bool
    reason: str | None = None
    from_size: int | None = None
    until_size: int | None = None


class KeyList(BaseModel):
    """All keys of the newest root document, its revocations, and the draft's new keys."""

    version: int
    expires: int
    draft: int | None
    keys: tuple[KeyInfo, ...]


class Rotate(BaseModel, extra="forbid"):
    """Which key to replace.

    `at_once`: use the new one without giving partners time to learn of it. `public`: for a root key
    that was made elsewhere, its public key (43 characters of base64url).
    """

    purpose: Literal["root", "card", "sign", "log", "witness"]
    at_once: bool = False
    public: Annotated[str, Field(min_length=43, max_length=43)] | None = None

    @model_validator(mode="after")
    def _public_is_of_a_root(self) -> Rotate:
        if self.public is not None and self.purpose != "root":
            raise ValueError("public: only a root key may be made elsewhere")
        return self


class Revoke(BaseModel, extra="forbid"):
    """Which key to revoke, and why: partners and auditors read the reason."""

    kid: KeyId
    reason: Text


class RootChanged(BaseModel):
    """What became of a change of the root document.

    `published` False: the change waits in a draft until the root key has signed it. `told` are the
    partners that read the announcement by now, `untold` those that will be tried again. `waiting`
    is the version of a draft whose changes the published version lacks.
    """

    version: int
    published: bool
    expires: int
    created: tuple[str, ...]
    told: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    waiting: int | None = None


class RootDraft(BaseModel):
    """The unsigned next version of the root document: its canonical JSON."""

    version: int
    document: str


class SignedRoot(BaseModel, extra="forbid"):
    """A signed next version of the root document: a DSSE envelope."""

    document: Annotated[str, Field(max_length=1_048_576)]


@operation("key.list", role="auditor")
async def list_keys(node: Node, request: NoRequest, progress: Progress) -> KeyList:
    """List the own keys with purpose, validity and state."""
    del request, progress
    identity, at = node.identity, node.clock()
    draft, root = identity.draft(), identity.root
    keys = [_info(identity, key.record, at) for key in (*root.roots, *root.keys)]
    keys += [
        KeyInfo(
            kid=entry.kid,
            purpose=None,
            state="revoked",
            not_before=None,
            not_after=None,
            at_hand=False,
            reason=entry.reason,
        )
        for entry in root.revocations
    ]
    known = root.ring.records
    keys += [_ended(term) for term in root.log_terms if term.kid not in {key.kid for key in keys}]
    keys = await asyncio.to_thread(_with_sizes, keys, node)
    waiting = (*draft.roots, *draft.keys) if draft else ()
    keys += [_described(identity, k.record, "draft") for k in waiting if k.kid not in known]
    return KeyList(
        version=root.version,
        expires=root.expires,
        draft=draft.version if draft else None,
        keys=tuple(keys),
    )


@operation("key.rotate")
async def rotate(node: Node, request: Rotate, progress: Progress) -> RootChanged:
    """Replace a key: the new one is published first and used after a while."""
    del progress
    if request.purpose == "root":
        public = _public_key(request.public) if request.public is not None else None
        return await _changed(node, await node.roots.rotate_root(public))
    return await _changed(node, await node.roots.rotate(request.purpose, at_once=request.at_once))


@operation("key.revoke")
async def revoke(node: Node, request: Revoke, progress: Progress) -> RootChanged:
    """Withdraw a key from every partner's trust and put a new one into use at once."""
    del progress
    return await _changed(node, await node.roots.revoke(request.kid, request.reason))


@operation("key.export")
async def export(node: Node, request: NoRequest, progress: Progress) -> RootDraft:
    """Give the unsigned next version of the root document."""
    del request, progress
    document = await node.roots.export()
    return RootDraft(version=document.version, document=document.payload.decode())


@operation("key.import")
async def import_(node: Node, request: SignedRoot, progress: Progress) -> RootChanged:
    """Publish a next version of the root document that was signed elsewhere."""
    del progress
    raw = request.document.encode()
    _require_signed(raw)
    return await _changed(node, await node.roots.publish(raw))


def _require_signed(raw: bytes) -> None:
    """Tell a document that was exported and not signed yet from one that is damaged."""
    from protocol.root import RootRefused
    from protocol.root_draft import is_signed, read_draft

    try:
        document = read_draft(raw)
    except RootRefused:
        return  # what is wrong with it is said when it is published
    if not is_signed(raw):
        raise Conflict(
            f"Version {document.version} of the root document is not signed yet.",
            fix="Where the root key is: interlingua key root sign FILE --key root.key; then import "
            "the file that comes back",
            code="root-unsigned",
        )


async def _changed(node: Node, change: Change) -> RootChanged:
    telling = await node.announcer.tell_all() if change.published else None
    waiting = node.identity.draft() if change.published else None
    return RootChanged(
        version=change.document.version,
        published=change.published,
        expires=change.document.expires,
        created=change.created,
        told=telling.told if telling else (),
        untold=telling.untold if telling else (),
        waiting=waiting.version if waiting else None,
    )


def _ended(term: LogTerm) -> KeyInfo:
    """A log key that is named no more; its term stays."""
    return KeyInfo(
        kid=term.kid,
        purpose="log",
        state="expired",
        not_before=None,
        not_after=None,
        at_hand=False,
    )


def _with_sizes(keys: list[KeyInfo], node: Node) -> list[KeyInfo]:
    """The same keys; those that sign the log, or did, with their terms, also unpublished ones."""
    from node.audit.errors import AuditError
    from node.audit.log_key_rows import terms_of_file

    terms = {term.kid: term for term in node.identity.root.log_terms}
    with suppress(AuditError):  # `doctor` says what is wrong with the log
        terms |= {term.kid: term for term in terms_of_file(node.data.log_file)}
    return [
        key.model_copy(update={"from_size": found.from_size, "until_size": found.until_size})
        if (found := terms.get(key.kid)) is not None
        else key
        for key in keys
    ]


def _info(identity: Identity, record: KeyRecord, at: int) -> KeyInfo:
    from protocol.limits import CLOCK_SKEW_S

    if at >= record.not_after:
        return _described(identity, record, "expired")
    if at < record.not_before:
        return _described(identity, record, "next")
    if not identity.files.at_hand(record.purpose, record.kid):
        return _described(identity, record, "away")
    turns = identity.root.ring.by_turn(record.purpose, at, slow_clock_s=CLOCK_SKEW_S)
    here = [turn.kid for turn in turns if identity.files.at_hand(turn.purpose, turn.kid)]
    first = record.purpose == "root" or here[0] == record.kid
    return _described(identity, record, "in use" if first else "ending")


def _described(identity: Identity, record: KeyRecord, state: KeyState) -> KeyInfo:
    return KeyInfo(
        kid=record.kid,
        purpose=record.purpose,
        state=state,
        not_before=record.not_before,
        not_after=record.not_after,
        at_hand=identity.files.at_hand(record.purpose, record.kid),
    )


def _public_key(text: str) -> bytes:
    from keys.signer import is_sound
    from protocol.notation import from_base64url

    try:
        public = from_base64url(text)
    except ValueError:
        public = b""
    if not is_sound(public):
        raise InvalidRequest(
            "This is not the public key of a root key.",
            fix="Use what `interlingua key root create FILE` printed.",
        )
    return public
