"""Which leaves a reading of a log is about: every field that is given must be in the leaf as given.

Rule of this file: the fields are those of the leaves under their own names; times alone are bounds.
"""

from protocol.notation import (
    CollectionName,
    Digest,
    KeyId,
    Organisation,
    PurposeName,
    Text,
    Time,
    WireModel,
    Word,
)


class LeafFilter(WireModel):
    """Conditions that must all hold; without any, every leaf passes.

    ``since`` is the first second that counts, ``until`` the first that does not (epoch seconds,
    UTC). ``actor``: a commitment; ``query`` and ``answer``: digests of body and payload; ``key``:
    id of the key that signed.
    """

    type: Word | None = None
    peer: Organisation | None = None
    purpose: PurposeName | None = None
    collection: CollectionName | None = None
    decision: Word | None = None
    agreement: Text | None = None
    actor: Text | None = None
    key: KeyId | None = None
    query: Digest | None = None
    answer: Digest | None = None
    since: Time | None = None
    until: Time | None = None

    def stated(self) -> dict[str, str]:
        """Return what a leaf's own fields must be."""
        return self.model_dump(exclude_none=True, exclude={"since", "until"})
