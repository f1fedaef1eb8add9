"""What may be changed from one version of a root document to the next.

The rule of this file: each change is a pure function from a document to one that `accept_root`
takes as its successor once root keys have signed it. Several changes can go into one version:
`successor` comes first, the others work on what it returns. docs/protocol-documents.md, section 13,
says why each is as it is.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from keys.ring import KeyRecord
from protocol.limits import MAX_LOG_TERMS, ROOT_LIFETIME_S
from protocol.log_keys import LogKeys, SizeRange
from protocol.log_terms import LogTerm, extended
from protocol.note import VerifierKey
from protocol.root import Key, RevokedKey, RootDocument


def successor(
    document: RootDocument, at: int, *, url: str | None, authorities: tuple[str, ...]
) -> RootDocument:
    """Return the next version, issued at `at` (epoch seconds, UTC) for the longest time allowed.

    Keys whose validity has ended are left out; what they signed is verified by earlier versions.
    """
    issued = max(at, document.issued)
    return _changed(
        document,
        version=document.version + 1,
        issued=issued,
        expires=issued + ROOT_LIFETIME_S,
        keys=tuple(key for key in document.keys if key.not_after > at),
        url=url,
        authorities=authorities,
    )


def with_key(document: RootDocument, new: KeyRecord, overlap_s: int) -> RootDocument:
    """Name a new key; others of its purpose end `overlap_s` seconds after it begins.

    Those that have not begun by then are left out: nothing was ever signed with them.
    """
    kept = []
    for key in document.keys:
        if key.purpose != new.purpose:
            kept.append(key)
        elif key.not_before < new.not_before:
            ends = min(key.not_after, new.not_before + overlap_s)
            kept.append(key.model_copy(update={"not_after": ends}))
    return _changed(document, keys=(*kept, Key.of(new)))


def with_root(document: RootDocument, new: KeyRecord) -> RootDocument:
    """Replace all root keys by one. The old ones must sign this version too."""
    return _changed(document, roots=(Key.of(new),), threshold=1)


def without_key(document: RootDocument, kid: str, at: int, reason: str) -> RootDocument:
    """Revoke a key, which is named no more; one that is revoked already stays as it is.

    Raises ValueError for a key that is among the roots.
    """
    if any(key.kid == kid for key in document.roots):
        raise ValueError("a root key is replaced in one version and revoked in the next")
    if any(entry.kid == kid for entry in document.revocations):
        return document
    entry = RevokedKey(kid=kid, at=at, reason=reason)
    return _changed(
        document,
        keys=tuple(key for key in document.keys if key.kid != kid),
        revocations=(*document.revocations, entry),
    )


def with_terms(document: RootDocument, stated: Iterable[LogTerm]) -> RootDocument:
    """State the terms of one log's keys; what the document says already, it goes on saying."""
    terms = extended(document.log_terms, stated)
    if terms == document.log_terms or len(terms) > MAX_LOG_TERMS:
        return document
    return _changed(document, log_terms=terms)


def carried(
    draft: RootDocument, accepted: RootDocument, published: Mapping[str, KeyRecord]
) -> RootDocument | None:
    """Return `accepted` with the changes of `draft` that it lacks; None where it lacks none.

    `draft` was made on a version before `accepted`; `published` are the keys of all versions up to
    that one. Carried are revocations, and keys that no version has named yet; keys beside those
    end when the draft says. The version stays: `successor` comes afterwards.
    """
    result = accepted
    if not any(key.kid in published for key in draft.roots):
        result = _changed(result, roots=draft.roots, threshold=draft.threshold)
    for entry in draft.revocations:
        if entry.kid not in {key.kid for key in result.roots}:
            result = without_key(result, entry.kid, entry.at, entry.reason)
    revoked = {entry.kid for entry in result.revocations}
    new = [key for key in draft.keys if key.kid not in published and key.kid not in revoked]
    if new:
        purposes = {key.purpose for key in new}
        ends = {key.kid: key.not_after for key in draft.keys if key.purpose in purposes}
        kept = (
            key.model_copy(
                update={"not_after": min(key.not_after, ends.get(key.kid, key.not_after))}
            )
            for key in result.keys
        )
        result = _changed(result, keys=(*kept, *new))
    return None if result is accepted else result


def named(documents: Iterable[RootDocument]) -> dict[str, KeyRecord]:
    """Return every key that one of `documents` (oldest first) names, as the newest names it."""
    return {kid: record for each in documents for kid, record in each.ring.records.items()}


def log_keys(documents: Iterable[RootDocument], origin: str) -> LogKeys:
    """Return every key that `documents` (oldest first) give the log `origin`, for an audit.

    Each with the range that the newest version to know of it gives it. Keys that are retired or
    revoked are among them: when they may be believed is the auditor's question.
    """
    found: dict[VerifierKey, SizeRange] = {}
    took_over = frozenset[VerifierKey]()
    for each in documents:
        keys = each.log_keys(origin)
        found.update(keys.ranges)
        took_over |= keys.took_over
        for term in each.log_terms:
            if term.origin != origin:
                found.pop(VerifierKey(origin, term.key), None)
    return LogKeys(origin, found, took_over)


def _changed(document: RootDocument, **fields: Any) -> RootDocument:
    return RootDocument.model_validate({**document.model_dump(), **fields})
