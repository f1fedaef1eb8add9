"""Notes, checkpoints and proofs of a partner's log."""

from functools import cache

from protocol.checkpoint import open_checkpoint
from protocol.log_errors import LogMaterialError
from protocol.note import VerifierKey, parse_note
from protocol.tlog_proof import parse_proof, verify_receipt
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_bytes
from tests.fuzz.target import Target
from tests.protocol.exchange import HOSPITAL_LOG, LOG_ORIGIN, proof_of

LEAF = b"a leaf"
KEY = VerifierKey(LOG_ORIGIN, HOSPITAL_LOG.public)


@cache
def valid() -> list[bytes]:
    """A proof; behind a zero byte the checkpoint in it."""
    proof = proof_of(LEAF)
    return [proof, b"\0" + proof[proof.index(LOG_ORIGIN.encode()) :]]


def nearly(choices: Choices) -> bytes:
    """One of them with other lines."""
    lines = choices.pick(valid()).split(b"\n")
    for _ in range(1 + choices.below(2)):
        at = choices.below(len(lines))
        lines[at : at + 1] = (
            [changed_bytes(lines[at], choices, 1)], [], [lines[at]] * 2, [lines[at]] * 70,
        )[choices.below(4)]  # fmt: skip
        lines = lines or [b""]
    return b"\n".join(lines)


def read(raw: bytes) -> None:
    """Read a proof, or behind a zero byte a note and checkpoint."""
    if raw.startswith(b"\0"):
        parse_note(raw[1:])
        open_checkpoint(raw[1:], LOG_ORIGIN, KEY)
    else:
        parse_proof(raw)
        verify_receipt(LEAF, raw, KEY, LOG_ORIGIN)


TARGET = Target(
    "log_material",
    "a proof or checkpoint is accepted, or a LogMaterialError",
    read,
    (LogMaterialError,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
