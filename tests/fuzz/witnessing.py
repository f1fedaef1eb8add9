"""What a log sends to a witness, what that answers, and evidence of forks."""

from functools import cache

from protocol.add_checkpoint import (
    AddCheckpoint,
    SubmissionRefused,
    claimed_checkpoint,
    parse_add_checkpoint,
    require_consistent,
    require_signed,
)
from protocol.checkpoint import Checkpoint
from protocol.cosignature import cosign, read_cosignatures
from protocol.fork import Fork, parse_fork
from protocol.log_errors import LogMaterialError
from protocol.log_keys import LogKeys
from protocol.note import parse_note
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_bytes
from tests.fuzz.target import Target
from tests.vectors import witness_vectors as made

KEYS = LogKeys.single(made.KEY)
LATEST = Checkpoint(made.ORIGIN, made.LATEST, made.TREE.roots[made.LATEST])
TEXT = parse_note(made.head(9)).text


@cache
def valid() -> list[bytes]:
    """A request; behind a zero byte cosignatures, behind a one evidence of a fork."""
    request = AddCheckpoint(made.LATEST, made.proof(made.LATEST, 9), made.head(9)).encode()
    lines = cosign(TEXT, made.NAME, made.WITNESS, made.AT).line().encode()
    fork = Fork(made.head(6), made.head(6, b"\1" * 32)).encode()
    return [request, b"\0" + lines, b"\1" + fork]


def nearly(choices: Choices) -> bytes:
    """One of them with other lines."""
    lines = choices.pick(valid()).split(b"\n")
    at = choices.below(len(lines))
    lines[at : at + 1] = (
        [changed_bytes(lines[at], choices, 1)], [], [lines[at]] * 2, [lines[at]] * 70,
    )[choices.below(4)]  # fmt: skip
    return b"\n".join(lines)


def read(raw: bytes) -> None:
    """Judge a request as a witness does, or read cosignatures, or evidence."""
    if raw.startswith(b"\0"):
        read_cosignatures(raw[1:], TEXT, [made.COSIGNER])
    elif raw.startswith(b"\1"):
        parse_fork(raw[1:]).check(KEYS)
    else:
        request = parse_add_checkpoint(raw)
        claimed_checkpoint(request)
        require_consistent(request, require_signed(request, made.ORIGIN, KEYS), LATEST)


TARGET = Target(
    "witnessing",
    "a checkpoint is cosigned, or SubmissionRefused, or what is read is a LogMaterialError",
    read,
    (LogMaterialError, SubmissionRefused),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
