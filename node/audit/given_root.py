"""A root document that an auditor was given: the keys of its owner's logs, with their terms.

Rule of this file: the document must be signed by the root key that it names, and nothing says whose
key that is but its fingerprint, which the auditor compares with what the owner told.
"""

from dataclasses import dataclass

from keys.words import fingerprint
from protocol.checkpoint import parse_checkpoint
from protocol.log_errors import WrongOrigin
from protocol.log_keys import LogKeys
from protocol.log_terms import names_log_of
from protocol.note import parse_note
from protocol.root import RootDocument, accept_root
from protocol.root_history import read_claimed


@dataclass(frozen=True)
class GivenRoot:
    """The document, and the fingerprint of its root key in words."""

    document: RootDocument
    fingerprint: str

    def log_keys(self, origin: str) -> LogKeys:
        """Return the keys of a log of its owner; WrongOrigin for anybody else's."""
        if not names_log_of(origin, self.document.organisation):
            raise WrongOrigin(f"{origin!r} is no log of {self.document.organisation}")
        return self.document.log_keys(origin)

    def log_keys_of(self, note: bytes) -> LogKeys:
        """Return the keys of the log that a checkpoint claims to be of."""
        return self.log_keys(parse_checkpoint(parse_note(note).text).origin)


def read_root(raw: bytes) -> GivenRoot:
    """Read a root document as it is published; it may have expired. Raises RootRefused."""
    claimed = read_claimed(raw)
    first = claimed.roots[0].record
    document = accept_root(raw, first.kid, None, claimed.issued, intermediate=True)
    return GivenRoot(document, " ".join(fingerprint(first.public)))
