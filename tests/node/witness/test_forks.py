"""Evidence of forks does not grow without end, however often a partner forks its log."""

import hashlib
from pathlib import Path

from node.witness.forks import MAX_OF_ONE, Forks
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.fork import Fork
from tests.protocol.leaf_samples import SIGNER


def fork(number: int, organisation: str) -> Fork:
    """Two trees of one size, as a hostile log key can sign as many of as it likes."""
    origin = f"{organisation}/interlingua"
    roots = (hashlib.sha256(b"%d" % n).digest() for n in (number, -1))
    first, second = (sign_checkpoint(Checkpoint(origin, 7, root), SIGNER) for root in roots)
    return Fork(first, second)


def test_a_partner_that_forks_its_log_without_end_fills_no_disk(tmp_path: Path) -> None:
    forks = Forks(tmp_path / "forks")
    kept = [forks.keep(fork(number, "lab.example")) for number in range(MAX_OF_ONE + 20)]
    assert [file for file in kept if file is None] == [None] * 20
    assert len(list(forks.all())) == MAX_OF_ONE
    assert forks.keep(fork(0, "lab.example")) == kept[0]
    # another organisation, whose name goes on where the other's ends, has its own places
    assert forks.keep(fork(0, "lab.example-two")) is not None
    assert {one.origin.partition("/")[0] for one in forks.all()} == {
        "lab.example", "lab.example-two"
    }  # fmt: skip
