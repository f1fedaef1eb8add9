"""One exchange between two organisations, the same bytes every time: clinic asks hospital.

Keys come from fixed seeds, salts and nonces are fixed, and Ed25519 is deterministic, so that the
examples in docs/protocol.md and the files in tests/vectors are made of the same messages.
"""

from typing import Any

import numpy as np

from keys.ring import KeyRecord, KeyRing
from keys.signer import Signer
from protocol.accept_answer import RawAnswer
from protocol.accept_query import RawRequest, ReceiverContext
from protocol.answer_body import write_body
from protocol.answer_content import AnsweringPeer
from protocol.canonical import digest
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.envelope import Envelope, Prompts
from protocol.leaf import Acknowledged, Answered, Compared, Denied, Failed, Leaf, Offered, Repeated
from protocol.merkle import leaf_hash, node_hash
from protocol.messages import (
    ANSWER_TYPE,
    Acknowledgement,
    Answer,
    Confirmed,
    Denial,
    Held,
    Hit,
    Offer,
    Offers,
    Problem,
    Query,
    ReceivedAnswer,
    Remaining,
    RouteReport,
)
from protocol.problems import Code
from protocol.profile import ACK, HELD, OFFERS, QUERY
from protocol.sign import SignedRequest, sign_answer, sign_request
from protocol.tlog_proof import TlogProof
from protocol.vectors import encode
from tests.protocol.organisation import signer

AT = 1_790_000_000
CLINIC, HOSPITAL = "clinic.example", "hospital.example"
AUTHORITY = "hospital.example:8443"
LOG_ORIGIN = "hospital.example/log"
NONCE = bytes(range(16))

CLINIC_SIGN = signer("clinic sign")
CLINIC_LOG = signer("clinic log")
HOSPITAL_SIGN = signer("hospital sign")
HOSPITAL_LOG = signer("hospital log")
STRANGER = signer("stranger")

_ALWAYS = (0, 2**40)
CLINIC_RING = KeyRing([KeyRecord.of(CLINIC_SIGN.public, "sign", *_ALWAYS)])
HOSPITAL_RING = KeyRing(
    [
        KeyRecord.of(HOSPITAL_SIGN.public, "sign", *_ALWAYS),
        KeyRecord.of(HOSPITAL_LOG.public, "log", *_ALWAYS),
    ]
)

RECEIVER = ReceiverContext(
    organisation=HOSPITAL,
    authorities=frozenset({AUTHORITY}),
    sender_ring=lambda name: CLINIC_RING if name == CLINIC else None,
)
PEER = AnsweringPeer(ring=HOSPITAL_RING, log_origin=LOG_ORIGIN)

ENVELOPE = Envelope(
    provider="example",
    model="tiny",
    revision="1",
    dimension=4,
    pooling="mean",
    normalisation="l2",
    similarity="cosine",
    prompts=Prompts.of(),
)
SHARED_SPACE = digest(b"a shared space")


def salt(number: int) -> str:
    """Return a fixed salt or question id."""
    return f"{number:021d}A"


def question(**changes: Any) -> Query:
    """Return the question of the exchange, with other members where `changes` says so."""
    members: dict[str, Any] = {
        "id": salt(1),
        "salt": salt(2),
        "collection": "papers",
        "purpose": "clinical-research",
        "k": 3,
        "space": ENVELOPE.space_id,
        "envelope": ENVELOPE,
        "vectors": encode(np.array([[0.5, 0.5, 0.5, 0.5]], dtype=np.float32)),
    }
    return Query(**(members | changes))


QUESTION = question()


def signed(body: bytes | None = None, **changes: Any) -> SignedRequest:
    """Return the signed request of a question's body; `changes` are arguments of sign_request."""
    arguments: dict[str, Any] = {
        "endpoint": QUERY,
        "authority": AUTHORITY,
        "from_": CLINIC,
        "to": HOSPITAL,
        "body": QUESTION.encode() if body is None else body,
        "signer": CLINIC_SIGN,
        "at": AT,
        "nonce": NONCE,
    }
    return sign_request(**(arguments | changes))


def signed_offers(**changes: Any) -> SignedRequest:
    """Return a signed request for offers."""
    return signed(b"", endpoint=OFFERS, **changes)


def signed_ack(**changes: Any) -> SignedRequest:
    """Return a signed acknowledgement."""
    return signed(acknowledgement().encode(), endpoint=ACK, **changes)


def signed_held(**changes: Any) -> SignedRequest:
    """Return a signed request for what is held."""
    return signed(b"", endpoint=HELD, **changes)


def received(request: SignedRequest) -> RawRequest:
    """Return a request as the other side receives it, among header fields that nobody signed."""
    transport = [(b"Host", request.authority.encode()), (b"Accept", b"*/*")]
    profile = [(name.encode(), value.encode()) for name, value in request.headers]
    return RawRequest(
        method=request.method,
        authority=request.authority,
        path=request.path,
        query="",
        headers=transport + profile,
        body=request.body,
    )


def answer(**changes: Any) -> Answer:
    """Return an answer to the question."""
    members: dict[str, Any] = {
        "salt": salt(3),
        "query": digest(QUESTION.encode()),
        "collection": "papers",
        "version": "v1",
        "purpose": "clinical-research",
        "granularity": "bins",
        "bin_width_milli": 50,
        "score_space": SHARED_SPACE,
        "route": RouteReport(kind="identity"),
        "epoch": 7,
        "results": [[Hit(ref="aaaa", bin=17), Hit(ref="bbbb", bin=9)]],
        "budget": Remaining(queries=99),
    }
    return Answer(**(members | changes))


def denial(code: Code = Code.NOT_GRANTED, **changes: Any) -> Denial:
    """Return a denial of the question; `changes` are members of it."""
    decision = "error" if code is Code.SEARCH_FAILED else "denied"
    rule = "purpose" if code is Code.NOT_GRANTED else None
    members: dict[str, Any] = {
        "salt": salt(3),
        "query": digest(QUESTION.encode()),
        "decision": decision,
        "problem": Problem.of(code, rule=rule),
    }
    return Denial(**(members | changes))


def offers(**changes: Any) -> Offers:
    """Return a list with one offer."""
    offer = Offer(
        collection="papers",
        title="Published papers",
        purposes=("clinical-research",),
        granularity="bins",
        bin_width_milli=50,
        max_k=10,
        spaces=(ENVELOPE.space_id,),
        queries_left=100,
    )
    members: dict[str, Any] = {"salt": salt(3), "query": digest(b""), "offers": (offer,)}
    return Offers(**(members | changes))


def held(**changes: Any) -> Held:
    """Return what the hospital holds of the clinic; the root document is not one."""
    members: dict[str, Any] = {
        "salt": salt(3),
        "query": digest(b""),
        "log_origin": "clinic.example/log",
        "checkpoint": sign_checkpoint(
            Checkpoint("clinic.example/log", 7, leaf_hash(b"a root")), CLINIC_LOG
        ).decode(),
        "root_version": 3,
        "card_serial": 1_789_990_000,
        "root": '{"payload":"..."}',
    }
    return Held(**(members | changes))


def acknowledgement(**changes: Any) -> Acknowledgement:
    """Return an acknowledgement of one answer."""
    checkpoint = Checkpoint("clinic.example/log", 7, leaf_hash(b"a root"))
    members: dict[str, Any] = {
        "salt": salt(5),
        "checkpoint": sign_checkpoint(checkpoint, CLINIC_LOG).decode(),
        "answers": (ReceivedAnswer(answer=digest(b"an answer"), received=6, leaf=1),),
    }
    return Acknowledgement(**(members | changes))


def confirmed(**changes: Any) -> Confirmed:
    """Return the payload that answers it."""
    query = digest(acknowledgement().encode())
    members: dict[str, Any] = {"salt": salt(6), "query": query, "confirmed": 1}
    return Confirmed(**(members | changes))


Payload = Answer | Denial | Offers | Held | Confirmed


def leaf_of(
    request: SignedRequest,
    payload: Payload,
    asked: Query | None = None,
    **changes: Any,
) -> Leaf:
    """Return the leaf that the responder writes for a payload, with other members if need be."""
    members: dict[str, Any] = {
        "at": AT,
        "salt": salt(4),
        "peer": CLINIC,
        "query": request.body_digest,
        "key": request.binding.kid,
        "evidence": request.evidence,
        "answer": digest(payload.encode()),
    }
    if isinstance(payload, Offers):
        return Offered(**(members | {"offers": len(payload.offers)} | changes))
    if isinstance(payload, Held):
        return Compared(**(members | changes))
    if isinstance(payload, Confirmed):
        confirming = {"message": request.body.decode(), "confirmed": (1,)}
        return Acknowledged(**(members | confirming | changes))
    asked = asked or QUESTION
    members |= {
        "purpose": asked.purpose,
        "collection": asked.collection,
        "space": asked.space,
        "k": asked.k,
        "vectors": asked.vectors.n,
        "policy": digest(b"a policy"),
    }
    if isinstance(payload, Denial):
        kind = Denied if payload.decision == "denied" else Failed
        return kind(**(members | {"reason": payload.problem.code} | changes))
    if payload.decision == "repeated":
        return Repeated(**(members | changes))
    more = {"version": payload.version, "results": 2, "charged": asked.vectors.n}
    return Answered(**(members | more | changes))


def proof_of(
    leaf: bytes, signer: Signer = HOSPITAL_LOG, origin: str = LOG_ORIGIN, index: int = 1
) -> bytes:
    """Return the proof that `leaf` is the second of two leaves in the hospital's log."""
    first = leaf_hash(b"first leaf")
    root = node_hash(first, leaf_hash(leaf))
    note = sign_checkpoint(Checkpoint(origin, 2, root), signer)
    return TlogProof(index, (first,), note).encode()


def logged_body(payload: bytes, leaf: bytes) -> bytes:
    """Return a body of three parts with an honest proof."""
    return write_body(payload, leaf, proof_of(leaf))


def signed_raw_answer(
    request: SignedRequest,
    body: bytes,
    status: int = 200,
    content_type: str = ANSWER_TYPE,
    signer: Signer = HOSPITAL_SIGN,
    at: int = AT,
) -> RawAnswer:
    """Return any body as the asker receives it, signed for `request`."""
    fields = sign_answer(request.binding, status, content_type, body, signer, at)
    headers = [(name.encode(), value.encode()) for name, value in fields]
    return RawAnswer(status, [(b"Server", b"interlingua"), *headers], body)


def answered(request: SignedRequest, payload: Payload, **leaf_changes: Any) -> RawAnswer:
    """Return an honest answer (or one with a leaf changed in `leaf_changes`) as it is received."""
    leaf = leaf_of(request, payload, **leaf_changes).encode()
    status = payload.problem.status if isinstance(payload, Denial) else 200
    return signed_raw_answer(request, logged_body(payload.encode(), leaf), status)
