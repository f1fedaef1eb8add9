"""Having the own checkpoints cosigned: the newest one, by every witness that lacks it.

Rule of this file: nothing waits for a witness. What was appended between two rounds is one
submission; a witness that fails is asked again after a pause that doubles, and costs a line of
status. A witness that refuses the tree, or says that it holds a larger one, is not believed for
saying so: it is the reason to compare this node with what partners can show (`node/backup`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from node.audit.errors import AuditError
from node.federation.transport_errors import TransportError
from node.witness.known import asked, keys_now
from protocol.add_checkpoint import ADD_CHECKPOINT_PATH, SIZE_TYPE, AddCheckpoint
from protocol.checkpoint import parse_checkpoint, parse_decimal
from protocol.cosignature import read_cosignatures, with_cosignatures
from protocol.limits import CLOCK_SKEW_S, MAX_COSIGNATURES_BYTES
from protocol.log_errors import LogMaterialError
from protocol.note import parse_note

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from node.audit.log import AuditLog
    from node.clock import Clock
    from node.config import Witnessing
    from node.federation.client import Client
    from node.federation.peer import Peer
    from node.federation.peers import PeerBook
    from protocol.accept_answer import RawAnswer
    from protocol.checkpoint import Checkpoint
    from protocol.note import NoteSignature
    from protocol.witness_policy import Witness

SUBMIT_EVERY_S = 5.0
DEADLINE_S = 5.0
FIRST_PAUSE_S = 5
LONGEST_PAUSE_S = 600
ATTEMPTS = 3
"""Requests in one submission: the first may learn the size that the witness has."""

_log = structlog.get_logger("witness")


@dataclass(frozen=True)
class Standing:
    """How far a witness has cosigned this log: `size` leaves at `at`, and what went wrong since.

    `size` 0: nothing since this node was started; `next_at`: when it is asked again.
    """

    organisation: str
    size: int = 0
    at: int | None = None
    problem: str | None = None
    failures: int = 0
    next_at: int = 0


class _Refused(Exception):
    """The witness did not cosign; `doubt` where it may know more of this log than this node."""

    def __init__(self, detail: str, *, doubt: bool = False) -> None:
        super().__init__(detail)
        self.doubt = doubt


class Submitter:
    """Submits; one per node, on its event loop.

    Args:
        settings: whose cosignatures are wanted.
        peers: the partners.
        client: connections to them.
        log: the own log; called when first needed.
        clock: epoch seconds UTC.
        introduce: brings the own documents to a partner that does not know the log's key.
        compare: looks whether partners hold more of this node than it has.
    """

    def __init__(
        self,
        settings: Witnessing,
        peers: PeerBook,
        client: Client,
        log: Callable[[], AuditLog],
        clock: Clock,
        introduce: Callable[[str], Awaitable[bool]],
        compare: Callable[[], Awaitable[object]],
    ) -> None:
        self._settings, self._peers, self._client = settings, peers, client
        self._log, self._clock = log, clock
        self._introduce, self._compare = introduce, compare
        self._standing: dict[str, Standing] = {}

    def witnesses(self) -> list[Peer]:
        """The partners that are asked."""
        return asked(self._settings, self._peers, self._clock())

    def standing(self, organisation: str) -> Standing:
        """How far a witness is."""
        return self._standing.get(organisation, Standing(organisation))

    async def submit_due(self) -> None:
        """Submit the newest checkpoint to every witness that lacks it and whose pause is over."""
        log, at = self._log(), self._clock()
        if log.held is not None:
            return
        note = log.checkpoint()
        head = parse_checkpoint(parse_note(note).text)
        due = [
            peer
            for peer in self.witnesses()
            if (held := self.standing(peer.organisation)).size < head.size and held.next_at <= at
        ]
        if not due:
            return
        answers = await asyncio.gather(*(self._ask(peer, note, head) for peer in due))
        lines = [line for line in answers if line is not None]
        if lines:
            cosigned = with_cosignatures(note, lines)
            await asyncio.to_thread(log.keep_cosigned, head.size, cosigned)
        if any(self.standing(peer.organisation).problem == DOUBT for peer in due):
            await self._compare()

    async def _ask(self, peer: Peer, note: bytes, head: Checkpoint) -> NoteSignature | None:
        """Submit to one witness, and note how it went; never raises for what it did."""
        held = self.standing(peer.organisation)
        try:
            line, at = await self._submit(peer, note, head, held.size)
        except (TransportError, LogMaterialError, AuditError, _Refused) as error:
            doubt = isinstance(error, _Refused) and error.doubt
            pause = min(FIRST_PAUSE_S * 2**held.failures, LONGEST_PAUSE_S)
            self._standing[peer.organisation] = replace(
                held,
                problem=DOUBT if doubt else str(error),
                failures=held.failures + 1,
                next_at=self._clock() + pause,
            )
            _log.info("not cosigned", witness=peer.organisation, cause=str(error), again_s=pause)
            return None
        self._standing[peer.organisation] = Standing(peer.organisation, head.size, at)
        return line

    async def _submit(
        self, peer: Peer, note: bytes, head: Checkpoint, old: int
    ) -> tuple[NoteSignature, int]:
        introduced = False
        for _ in range(ATTEMPTS):
            proof = await asyncio.to_thread(self._log().consistency, old, head.size) if old else ()
            answer = await self._post(peer, AddCheckpoint(old, proof, note))
            if answer.status == 200:
                at = self._clock()
                return own_line(answer.body, head.text(), keys_now(peer, at), at)
            if answer.status == 403 and not introduced:
                introduced = await self._introduce(peer.organisation)
                if introduced:
                    continue
            if answer.status != 409:
                raise _Refused(_why(answer), doubt=answer.status == 422)
            old = _size_in(answer)
            if old > head.size:
                raise _Refused("", doubt=old > self._log().size())
        raise _Refused("it goes on naming other sizes")

    async def _post(self, peer: Peer, request: AddCheckpoint) -> RawAnswer:
        return await self._client.exchange(
            peer.url + ADD_CHECKPOINT_PATH,
            peer.transport,
            "POST",
            [("Content-Type", "text/plain")],
            request.encode(),
            deadline_s=DEADLINE_S,
            max_bytes=MAX_COSIGNATURES_BYTES,
        )


def own_line(body: bytes, text: str, keys: Iterable[Witness], at: int) -> tuple[NoteSignature, int]:
    """Return a witness's newest line over the checkpoint `text`, and the time that it states.

    One line alone: a witness with very many keys would take the places of the others. Lines of keys
    that its root document does not name are left. Raises LogMaterialError's kinds, _Refused.
    """
    known = {witness.key: witness for witness in keys}
    fitting = [
        (said.at, line)
        for line, said in read_cosignatures(body, text, known)
        if known[said.key].counts_at(said.at) and abs(said.at - at) <= CLOCK_SKEW_S
    ]
    if not fitting:
        raise _Refused("its cosignature is by no key of its root document, or its clock is off")
    newest, line = max(fitting, key=lambda one: one[0])
    return line, newest


DOUBT = "it holds another tree of this log, or a larger one; see `interlingua doctor`"
"""The problem of a witness that may know more of this log than this node does."""


def _size_in(answer: RawAnswer) -> int:
    types = {value for name, value in answer.headers if name.lower() == b"content-type"}
    text = answer.body.decode("ascii", "replace")
    size = parse_decimal(text.removesuffix("\n")) if text.endswith("\n") else None
    if size is None or types != {SIZE_TYPE.encode()}:
        raise _Refused("it answers 409 without a size")
    return size


def _why(answer: RawAnswer) -> str:
    said = answer.body[:200].decode("utf-8", "replace")
    words = "".join(c if c.isprintable() else " " for c in said).strip()
    if answer.status == 404:
        return "it does not cosign this log (404)"
    return f"status {answer.status}: {words}" if words else f"status {answer.status}"
