"""The root document: which keys speak for an organisation, and which no longer do.

The rule of this file: trust in an organisation starts at one pinned root key and moves only from
version N to N+1, by the root keys of both. A key has one purpose for ever; a revoked key never
comes back; what a log key signed is stated for ever (protocol/log_terms.py); nothing is valid for
longer than 90 days without its root keys saying so again.

Served at `/.well-known/interlingua-root`, older versions at `/.well-known/interlingua-root/<n>`.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, model_validator

from keys.ring import KeyPurpose, KeyRecord, KeyRing, Revocation
from keys.signer import Signer
from protocol.canonical import dumps
from protocol.document import Document, DocumentRefused, read_document, require_signatures
from protocol.dsse import Signed, sign
from protocol.limits import (
    CLOCK_SKEW_S,
    MAX_AUTHORITIES,
    MAX_KEYS,
    MAX_LOG_TERMS,
    MAX_REVOCATIONS,
    MAX_ROOT_KEYS,
    ROOT_LIFETIME_S,
)
from protocol.log_keys import LogKeys
from protocol.log_terms import LogTerm, check_terms, contradiction
from protocol.notation import (
    Authority,
    BaseUrl,
    KeyId,
    Ordinal,
    Organisation,
    Text,
    Time,
    Version1,
    WireModel,
    from_base64url,
    to_base64url,
)

ROOT_TYPE = "application/vnd.interlingua.root+json"


class RootRefused(DocumentRefused):
    """A root document is not accepted; see DocumentRefused."""


class Key(WireModel):
    """A key as a root document writes it: kid, public (base64url), purpose, validity (seconds)."""

    kid: KeyId
    public: Annotated[str, Field(min_length=43, max_length=43)]
    purpose: KeyPurpose
    not_before: Time
    not_after: Time

    @model_validator(mode="after")
    def _is_sound(self) -> "Key":
        _ = self.record
        return self

    @classmethod
    def of(cls, record: KeyRecord) -> "Key":
        """Return the written form of a record."""
        return cls(
            kid=record.kid,
            public=to_base64url(record.public),
            purpose=record.purpose,
            not_before=record.not_before,
            not_after=record.not_after,
        )

    @cached_property
    def record(self) -> KeyRecord:
        """The record; ValueError where kid, key or period are wrong."""
        public = from_base64url(self.public)
        return KeyRecord(self.kid, public, self.purpose, self.not_before, self.not_after)


class RevokedKey(WireModel):
    """A key that must not be trusted any more, since when it is known, and why."""

    kid: KeyId
    at: Time
    reason: Text


class RootDocument(Document):
    """One version of an organisation's root document.

    `version` counts from 1. `roots` are the root keys, `threshold` of which sign; `keys` the keys
    of all other purposes; `revocations` every revocation so far. `authorities` are the hosts (and
    ports) under which requests may be addressed to the organisation, as `@authority` writes them;
    `url` is the base address of its federation listener, at one of them. An asker-only organisation
    has neither. `log_terms` are the terms of the keys of its logs, also those that have ended; the
    member is absent while no log key has ever been followed by another.
    """

    v: Version1 = 1
    organisation: Organisation
    version: Ordinal
    issued: Time
    expires: Time
    threshold: Annotated[int, Field(ge=1, le=MAX_ROOT_KEYS)] = 1
    roots: Annotated[tuple[Key, ...], Field(strict=False, min_length=1, max_length=MAX_ROOT_KEYS)]
    keys: Annotated[tuple[Key, ...], Field(strict=False, max_length=MAX_KEYS)]
    revocations: Annotated[
        tuple[RevokedKey, ...], Field(strict=False, max_length=MAX_REVOCATIONS)
    ] = ()
    authorities: Annotated[tuple[Authority, ...], Field(strict=False, max_length=MAX_AUTHORITIES)]
    url: BaseUrl | None
    log_terms: Annotated[tuple[LogTerm, ...], Field(strict=False, max_length=MAX_LOG_TERMS)] = ()
    _held: frozenset[str] = PrivateAttr(default=frozenset())

    @model_validator(mode="after")
    def _fields_agree(self) -> "RootDocument":
        if any(key.purpose != "root" for key in self.roots):
            raise ValueError("roots: every key there has the purpose root")
        if any(key.purpose == "root" for key in self.keys):
            raise ValueError("keys: root keys stand in roots")
        if self.threshold > len(self.roots):
            raise ValueError("threshold: there are fewer root keys")
        if (self.url is None) != (not self.authorities):
            raise ValueError("url: there is one exactly where there are authorities")
        if self.url is not None and authority_of(self.url) not in self.authorities:
            raise ValueError("url: its host and port stand in authorities too")
        check_terms(self.log_terms, self.organisation)
        return self

    @property
    def held(self) -> frozenset[str]:
        """Kids of the witness keys that it names and that signed the envelope it was read from.

        Whoever made such a signature held the key, and said so for this organisation.
        """
        return self._held

    def read_from(self, signed: Signed) -> "RootDocument":
        """Note which of its witness keys signed its envelope; returns the same document."""
        witnesses = {key.kid: key.record.public for key in self.keys if key.purpose == "witness"}
        self._held = signed.signers(witnesses)
        return self

    @property
    def payload(self) -> bytes:
        """The canonical JSON of the document."""
        absent = set() if self.log_terms else {"log_terms"}
        return dumps(self.model_dump(mode="json", exclude=absent))

    @cached_property
    def ring(self) -> KeyRing:
        """All keys and revocations; ValueError where a key is named twice."""
        return KeyRing(
            [key.record for key in (*self.roots, *self.keys)],
            [Revocation(entry.kid, entry.at, entry.reason) for entry in self.revocations],
        )

    def log_keys(self, origin: str) -> LogKeys:
        """Every key that this version names or states a term of, for the log `origin`."""
        named = (key.record.public for key in self.keys if key.purpose == "log")
        return LogKeys.of_terms(origin, self.log_terms, named)


def authority_of(url: str) -> str:
    """Return the authority of a base URL as `@authority` writes it: default port left out."""
    parts = urlsplit(url)
    default = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return parts.netloc.removesuffix(default) if default else parts.netloc


def sign_root(document: RootDocument, signers: Iterable[Signer]) -> bytes:
    """Return the signed document. Version N+1 needs the root keys of N and of N+1.

    Keys on other machines add theirs with `dsse.add_signatures`.
    """
    return sign(document.payload, ROOT_TYPE, signers)


def read_root(raw: bytes) -> tuple[RootDocument, Signed]:
    """Return the document in an envelope, and its unverified signatures; RootRefused (form)."""
    document, signed = read_document(raw, ROOT_TYPE, RootDocument, RootRefused)
    return document.read_from(signed), signed


def accept_root(
    raw: bytes,
    pinned_root_kid: str | None,
    previous: RootDocument | None,
    at: int,
    *,
    organisation: str | None = None,
    intermediate: bool = False,
) -> RootDocument:
    """Return the root document in `raw` if it may replace `previous`, or be the first one.

    `previous` is the newest accepted version; without one, `pinned_root_kid` is the root key whose
    fingerprint was compared, and `organisation` (if given) the expected name. `at` is now (epoch
    seconds, UTC). `intermediate` is for a version on the way to a newer one, which may have
    expired; it must not be used for anything else. Pure. Raises RootRefused with these reasons:

    1. form: a DSSE envelope of this type, canonical JSON, known fields only, keys sound.
    2. organisation: the expected one.
    3. rollback, fork, gap: the version is the previous one plus 1, or the same document again.
       issued does not go back.
    4. reused-key, revoked-key, log-terms: no key under two purposes, now or since the previous
       version; every earlier revocation is still there, and no revoked key is a root key or another
       key; no term of a log key is stated otherwise than before.
    5. pin, signatures, unknown-key, revoked-key, expired-key: its own threshold of its own root
       keys signed, and the previous threshold of the previous root keys (both valid at `at`, and
       revoked by neither version); without a previous version the pinned key is among the signers.
    6. early, expired, lifetime: issued is not in the future, expires is, and they lie at most 90
       days apart.

    Steps 2 to 4 judge unsigned claims; they can only refuse, and name the cause better.
    """
    document, signed = read_root(raw)  # 1
    expected = previous.organisation if previous is not None else organisation
    if expected is not None and document.organisation != expected:  # 2
        raise RootRefused(
            "organisation", f"this is the root document of {document.organisation}, not {expected}"
        )
    if previous is not None:  # 3
        _check_succession(document, previous)
    _check_keys(document, previous)  # 4
    _check_signatures(document, signed, pinned_root_kid, previous, at)  # 5
    _check_period(document, at, intermediate)  # 6
    return document


def _check_succession(document: RootDocument, previous: RootDocument) -> None:
    if document.version < previous.version:
        raise RootRefused(
            "rollback", f"version {document.version} is older than {previous.version}, seen before"
        )
    if document.issued < previous.issued:
        raise RootRefused(
            "rollback", f"version {document.version} was issued before version {previous.version}"
        )
    if document.version == previous.version and document.digest != previous.digest:
        raise RootRefused(
            "fork", f"two different documents are version {document.version}; ask their owner"
        )
    if document.version > previous.version + 1:
        raise RootRefused(
            "gap",
            f"version {document.version} came after {previous.version}; "
            f"fetch version {previous.version + 1} first",
        )


def _check_keys(document: RootDocument, previous: RootDocument | None) -> None:
    try:
        ring = document.ring
    except ValueError as error:
        raise RootRefused("reused-key", str(error)) from None
    back = sorted(set(ring.revocations) & set(ring.records))
    if back:
        raise RootRefused("revoked-key", f"key {back[0]} is revoked and named; leave it out")
    for kid in (term.kid for term in document.log_terms):
        if kid in ring.records and ring.records[kid].purpose != "log":
            raise RootRefused("reused-key", f"key {kid} has a term, but is no log key")
    if previous is None:
        return
    otherwise = contradiction(previous.log_terms, document.log_terms)
    if otherwise is not None:
        raise RootRefused("log-terms", f"{otherwise}; ask its owner")
    forgotten = sorted(set(previous.ring.revocations) - set(ring.revocations))
    if forgotten:
        raise RootRefused("revoked-key", f"the revocation of key {forgotten[0]} is missing")
    for kid, record in ring.records.items():
        before = previous.ring.records.get(kid)
        if before is not None and before.purpose != record.purpose:
            raise RootRefused(
                "reused-key",
                f"key {kid} was a {before.purpose} key; make a new {record.purpose} key",
            )


def _check_signatures(
    document: RootDocument,
    signed: Signed,
    pinned_root_kid: str | None,
    previous: RootDocument | None,
    at: int,
) -> None:
    by_own = require_signatures(
        signed, document.ring, "root", at, RootRefused, threshold=document.threshold
    )
    if previous is not None:
        require_signatures(
            signed,
            previous.ring,
            "root",
            at,
            RootRefused,
            threshold=previous.threshold,
            withdrawn=document.ring.revocations,
        )
    elif pinned_root_kid is None or pinned_root_kid not in by_own:
        raise RootRefused(
            "pin", "the root key whose fingerprint you compared did not sign; compare it again"
        )


def _check_period(document: RootDocument, at: int, intermediate: bool) -> None:
    if document.issued > at + CLOCK_SKEW_S:
        ahead = document.issued - at
        raise RootRefused(
            "early", f"it was issued {ahead} seconds in the future; compare the clocks"
        )
    if not document.issued < document.expires <= document.issued + ROOT_LIFETIME_S:
        raise RootRefused("lifetime", "it must expire after it was issued, within 90 days")
    if document.expires <= at and not intermediate:
        raise RootRefused("expired", "it has expired; its owner must publish the next version")
