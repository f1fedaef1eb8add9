"""All root documents that are kept of an organisation, oldest first: for an audit, years later.

Rule of this file: what was signed in the past is judged by the keys of that time. Each version is
judged at the second of its issue, and follows from the one before by the rules of `accept_root`;
where the history begins is for the auditor to say, by the fingerprint of a root key.
"""

from collections.abc import Callable, Iterable, Sequence

from keys.ring import KeyRing
from protocol.root import RootDocument, RootRefused, accept_root, read_root
from protocol.root_changes import named

IsPinned = Callable[[bytes], bool]
"""Whether a root key (32 bytes) has the fingerprint that the auditor was told."""


def read_claimed(raw: bytes) -> RootDocument:
    """Return what a root document says, unverified; raises RootRefused."""
    return read_root(raw)[0]


def in_order(raws: Iterable[bytes]) -> list[bytes]:
    """Return root documents by organisation, issue and version; raises RootRefused."""

    def place(raw: bytes) -> tuple[str, int, int, bytes]:
        claimed = read_claimed(raw)
        return claimed.organisation, claimed.issued, claimed.version, raw

    return sorted(set(raws), key=place)


def proved(raws: Sequence[bytes], is_pinned: IsPinned) -> list[RootDocument]:
    """Return the versions, oldest first, that follow from a pinned root key.

    Versions before the first one that a pinned key signs are left out: nothing proves them.
    Raises RootRefused where a later one does not follow, reason pin where no key is pinned.
    """
    found: list[RootDocument] = []
    for raw in raws:
        claimed = read_claimed(raw)
        kid = next((k.kid for k in claimed.roots if is_pinned(k.record.public)), None)
        if not found and kid is None:
            continue
        before = found[-1] if found else None
        found.append(accept_root(raw, kid, before, claimed.issued, intermediate=True))
    if not found:
        raise RootRefused("pin", "none of its root documents names a root key of that fingerprint")
    return found


def claimed_histories(raws: Sequence[bytes]) -> list[RootDocument]:
    """Return the versions of an organisation of whom no root key is pinned, oldest first.

    Each is signed by its own root keys and follows from the one before, or begins anew, as after
    another pairing. Raises RootRefused for one that does neither.
    """
    found: list[RootDocument] = []
    for raw in raws:
        claimed = read_claimed(raw)
        kid, at = claimed.roots[0].kid, claimed.issued
        try:
            before = found[-1] if found else None
            found.append(accept_root(raw, kid, before, at, intermediate=True))
        except RootRefused:
            found.append(accept_root(raw, kid, None, at, intermediate=True))
    return found


def every_key(documents: Iterable[RootDocument]) -> KeyRing:
    """Return all keys that an organisation's documents (oldest first) ever named.

    A key that was rotated away has the validity that the last version to name it gave it.
    """
    known = list(documents)
    revoked = {kid: entry for each in known for kid, entry in each.ring.revocations.items()}
    return KeyRing(named(known).values(), revoked.values())
