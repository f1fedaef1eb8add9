"""A process that appends under load and notes every acknowledged receipt, to be killed.

Eight tasks append until the process dies, and log keys follow each other meanwhile. A line of its
notes is one receipt that ``append`` returned (``ack``, index, leaf hash, tree size, root), one
entry that was refused (``refused``), or the error with which the log did not open (``closed``). A
line is one ``write``, so the notes outlive the process.
"""

import asyncio
import itertools
import os
import random
from dataclasses import replace
from functools import cache
from pathlib import Path

from keys.signer import SeedSigner, Signer
from node.audit.entry import TakeOver
from node.audit.errors import AuditError, LogUnavailable
from node.audit.log import AuditLog
from node.audit.log_key_rows import terms_of_file
from node.audit.origin import stated_origin
from node.audit.own_log_keys import OwnLogKeys
from node.content.content import Content
from protocol.checkpoint import open_checkpoint
from protocol.merkle import leaf_hash
from protocol.note import VerifierKey, parse_note
from protocol.tlog_proof import parse_proof
from tests.node.audit.entries import ORIGIN, exchange
from tests.node.content.kept import contents_of
from tests.protocol.leaf_samples import AT

TASKS = 8
KEYS = 200
"""How many keys one log may have in these tests."""
ROTATIONS = 3.0
"""Keys that take over in a second, on average."""
_PAUSE_S = 0.002  # before the next entry after one that was refused


@cache
def log_keys() -> tuple[Signer, ...]:
    """The log's keys; each follows the one before."""
    return tuple(SeedSigner.from_seed(f"{n:032}".encode()) for n in range(KEYS))


@cache
def verifier_keys() -> dict[bytes, VerifierKey]:
    """The same keys as verifiers, by key id."""
    keys = (VerifierKey(ORIGIN, signer.public) for signer in log_keys())
    return {key.key_id: key for key in keys}


def keys_so_far(path: Path) -> int:
    """How many keys the log states, the first one included where none was begun."""
    return max(1, len(terms_of_file(path)))


def opened_log(path: Path) -> AuditLog:
    """Open the log as a node does, under the key that signs it now."""
    origin = stated_origin(path, ORIGIN.partition("/")[0])
    by_id = {signer.kid: signer for signer in log_keys()}
    own = OwnLogKeys(frozenset(by_id), (), by_id.get)
    signer, contents = log_keys()[keys_so_far(path) - 1], contents_of(path.parent)
    return AuditLog.open(path, signer, origin, lambda: AT, own=own, contents=contents)


class Appender:
    """Appends to one log and writes notes to a descriptor; ``number`` makes its entries unique."""

    def __init__(self, path: Path, notes: int, number: int) -> None:
        self._path, self._notes = path, notes
        self._numbers = itertools.count(number * 1_000_000)
        self._chance = random.Random(number)  # noqa: S311 - moments, not secrets

    async def run(self) -> None:
        """Append for ever."""
        try:
            log = opened_log(self._path)
        except AuditError as error:
            self._note(f"closed {type(error).__name__}: {error}")
            return
        keys = keys_so_far(self._path)
        await asyncio.gather(*(self._append(log) for _ in range(TASKS)), self._rotate(log, keys))

    async def _append(self, log: AuditLog) -> None:
        for number in self._numbers:
            try:
                entry = exchange(number, documents=(number % 50, 50 + number % 7))
                content = (Content("answered", b"a question", b"an answer"),)
                receipt = await log.append(replace(entry, content=content))
            except LogUnavailable:
                self._note("refused")
                await asyncio.sleep(_PAUSE_S)
                continue
            note = parse_proof(receipt.proof).checkpoint
            signed_by = verifier_keys()[parse_note(note).signatures[-1].key_id]
            head = open_checkpoint(note, ORIGIN, signed_by)
            leaf = leaf_hash(receipt.leaf).hex()
            self._note(f"ack {receipt.index} {leaf} {head.size} {head.root.hex()}")

    async def _rotate(self, log: AuditLog, keys: int) -> None:
        """Let the next key take over at random moments; after a refusal no more."""
        for number in range(keys, KEYS):
            await asyncio.sleep(self._chance.expovariate(ROTATIONS))
            try:
                await log.hand_over(TakeOver(log_keys()[number], alone=self._chance.random() < 0.2))
            except LogUnavailable:
                return

    def _note(self, line: str) -> None:
        os.write(self._notes, line.encode() + b"\n")
