"""Asking a partner what it holds of this organisation, before anything may be logged.

The rule of this file: nothing is written. A node that was restored must not append to its log
before it knows what partners hold of it, so this one request leaves no leaf on the asker's side;
the partner's own log has it.
"""

from collections.abc import Callable

from node.clock import Clock
from node.federation.peer import Peer
from node.federation.signed_requests import SignedRequests
from node.federation.unverifiable import unverifiable
from protocol.accept_answer import AuthenticatedProblem, accept_answer
from protocol.answer_content import AcceptedAnswer, AnsweringPeer
from protocol.answer_refused import AnswerRefused
from protocol.messages import Denial, Held
from protocol.profile import HELD


class HeldRefused(Exception):
    """The partner answered with a signed problem; the text is its code and detail."""


async def ask_held(
    requests: SignedRequests,
    peer: Peer,
    clock: Clock,
    deadline_s: float,
    heard: Callable[[str, int], None],
) -> Held:
    """Return what `peer` holds of this organisation; `heard` is told what its clock says.

    Raises TransportError, Unverifiable or HeldRefused.
    """
    request = requests.sign(peer, HELD)
    raw = await requests.send(peer, request, deadline_s)
    answering = AnsweringPeer(peer.root.ring, peer.card.log_origin, peer.root.log_terms)

    def accept_at(at: int) -> AcceptedAnswer | AuthenticatedProblem:
        return accept_answer(request, None, raw, answering, at)

    try:
        said = accept_at(clock())
    except AnswerRefused as error:
        refused = unverifiable(error, peer.organisation, raw, accept_at, clock())
        if refused.their_time is not None:
            heard(peer.organisation, refused.their_time)
        raise refused from None
    heard(peer.organisation, said.created)
    if isinstance(said, AuthenticatedProblem):
        raise HeldRefused(_words(said.problem.code, said.problem.detail))
    if isinstance(said.payload, Denial):
        problem = said.payload.problem
        raise HeldRefused(_words(problem.code, problem.detail))
    if not isinstance(said.payload, Held):
        raise TypeError("acceptance gives an answer of its endpoint's kind")
    return said.payload


def _words(code: str, detail: str | None) -> str:
    text = f"{code}: {detail}" if detail else code
    return "".join(letter if letter.isprintable() else "?" for letter in text)
