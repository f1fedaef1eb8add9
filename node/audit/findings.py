"""What an examination of the log found wrong: each finding has a kind, a place and a sentence.

Rule of this file: kinds are stable words that programs may match on; counting goes on when the
list is full, so that a report says how much is wrong without holding all of it.
"""

from dataclasses import dataclass, field
from typing import Literal

MAX_LISTED = 100

Kind = Literal[
    "database-damaged",  # SQLite's own check
    "leaf-missing",
    "leaf-changed",  # the leaf's bytes do not have the stored hash
    "leaf-unsigned",  # a leaf beyond the last checkpoint
    "leaf-malformed",  # not a canonical leaf of a known type
    "facts-differ",  # the search table does not say what the leaf says
    "node-missing",
    "node-changed",  # a stored subtree hash is not the hash of its children
    "node-extra",
    "checkpoint-missing",
    "checkpoint-invalid",  # malformed, another log's, or not signed with the log's key
    "checkpoint-differs",  # signed another root than the leaves lead to
    "log-shortened",  # fewer leaves than the last checkpoint signed
    "log-foreign",  # another origin or key than expected
    "log-keys-differ",  # the log states another key or size than its leaves say
    "log-key-unproved",  # a key took over, and the one that was given did not sign it
    "request-unproved",  # the request's signature does not verify
    "request-differs",  # signed, but not for what the leaf says
    "request-repeated",  # two leaves rest on one signature
    "counters-differ",  # debits do not add up to what the leaves charged
    "succession-invalid",  # the first leaf does not continue the log that it names
    "receipt-invalid",  # a partner's receipt does not prove its leaf
    "receipt-missing",  # a leaf names a partner's receipt that is not kept any more
    "acknowledgement-invalid",  # what was confirmed is not in the partner's message, or not here
    "bundle-malformed",  # lines of a bundle are not of its form, or not in its order
    "bundle-cut",  # a bundle's last line is missing, or not the last
    "bundle-damaged",  # a bundle's last line is not about the bytes above
    "bundle-filter",  # what is in clear or left out is not what the export's filter says
    "roots-differ",  # a bundle's root documents are not those that its export leaf names
    "root-unproved",  # root documents do not follow from each other or from a fingerprint
    "cosigned-invalid",  # a kept cosigned checkpoint is not the log's, or a line does not verify
    "fork-unproved",  # a file of evidence does not show that a log has forked
    "log-forked",  # the log's key signed another tree of a size that can be compared
]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; ``index`` is the leaf's, where there is one."""

    kind: Kind
    detail: str
    index: int | None = None


@dataclass
class Findings:
    """The first ``MAX_LISTED`` findings and the number of all."""

    listed: list[Finding] = field(default_factory=list)
    total: int = 0

    def add(self, kind: Kind, detail: str, index: int | None = None) -> None:
        """Record one more."""
        self.total += 1
        if len(self.listed) < MAX_LISTED:
            self.listed.append(Finding(kind, detail, index))

    def __bool__(self) -> bool:
        return self.total > 0
