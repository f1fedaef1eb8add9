"""What can be wrong with a piece of a transparency log: one tree of errors, no I/O.

Rule of this file: whoever checks log material catches ``LogMaterialError`` and nothing else;
whoever reports it uses ``reason``, a stable word that names the class of failure.

    LogMaterialError
    ├── MalformedNote        the bytes are not a C2SP signed note
    ├── UntrustedNote        a note without a valid signature of a key that we trust
    ├── MalformedCheckpoint  a note whose text is not a C2SP checkpoint
    ├── WrongOrigin          a checkpoint of another log
    ├── BeyondTerm           a checkpoint of a size that its key may not sign
    ├── MalformedProof       the bytes are not a C2SP tlog-proof
    ├── ProofMismatch        hashes that do not lead to the stated root
    ├── MalformedCosignature no timestamped signature of a cosigner over a checkpoint
    ├── MalformedSubmission  the bytes are not a C2SP add-checkpoint request
    ├── MalformedFork        the file is not evidence of a fork, or shows none
    ├── MalformedLeaf        an entry that is not one of our canonical leaves
    └── BundleRefused        a bundle that is not as it was written
        ├── MalformedBundle  its lines are not of the form or order of a bundle
        ├── BundleCut        its last line is missing, or not the last
        ├── BundleDamaged    its last line is not about the bytes above
        └── BundleFilter     what is in clear or left out is not what its filter says
"""


class LogMaterialError(ValueError):
    """A leaf, note, checkpoint or proof is not what it claims to be."""

    reason = "log-material"


class MalformedNote(LogMaterialError):
    """The bytes are not a signed note in canonical form."""

    reason = "malformed-note"


class UntrustedNote(LogMaterialError):
    """No trusted key signed the note, or a trusted key's signature does not verify."""

    reason = "untrusted-note"


class MalformedCheckpoint(LogMaterialError):
    """The note's text is not a checkpoint in canonical form."""

    reason = "malformed-checkpoint"


class WrongOrigin(LogMaterialError):
    """The checkpoint speaks for another log than the expected one."""

    reason = "wrong-origin"


class BeyondTerm(LogMaterialError):
    """The log's key signed, for a tree that is larger or smaller than those of its term."""

    reason = "beyond-term"


class MalformedProof(LogMaterialError):
    """The bytes are not a tlog-proof in canonical form."""

    reason = "malformed-proof"


class ProofMismatch(LogMaterialError):
    """A Merkle proof does not connect what it should connect."""

    reason = "proof-mismatch"


class MalformedCosignature(LogMaterialError):
    """What should be a cosignature is none, or is of no checkpoint."""

    reason = "malformed-cosignature"


class MalformedSubmission(LogMaterialError):
    """The bytes are not an add-checkpoint request in canonical form."""

    reason = "malformed-submission"


class MalformedFork(LogMaterialError):
    """The file is not evidence of a fork, or its two checkpoints do not contradict each other."""

    reason = "malformed-fork"


class MalformedLeaf(LogMaterialError):
    """The bytes are not a leaf that this version knows, in canonical form."""

    reason = "malformed-leaf"


class BundleRefused(LogMaterialError):
    """A bundle is not as an export writes it."""

    reason = "bundle-refused"


class MalformedBundle(BundleRefused):
    """A line is of another form, or stands where it does not belong."""

    reason = "bundle-malformed"


class BundleCut(BundleRefused):
    """The bundle ends before its last line, or goes on after it."""

    reason = "bundle-cut"


class BundleDamaged(BundleRefused):
    """The bytes are not those that the last line was written about."""

    reason = "bundle-damaged"


class BundleFilter(BundleRefused):
    """A leaf is in clear that the filter leaves out, or left out without a filter."""

    reason = "bundle-filter"
