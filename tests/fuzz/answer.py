"""Answers of a partner that signs whatever it likes: payload, leaf and proof."""

import base64
from functools import cache

import orjson

from protocol.accept_answer import accept_answer
from protocol.answer_body import BodyMalformed, split_body, write_body
from protocol.answer_refused import AnswerRefused
from protocol.canonical import digest
from protocol.messages import Query
from protocol.sign import SignedRequest
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_bytes, changed_json, spelled
from tests.fuzz.target import Target
from tests.protocol.exchange import (
    AT,
    PEER,
    QUESTION,
    Payload,
    answer,
    answered,
    confirmed,
    denial,
    held,
    offers,
    proof_of,
    signed,
    signed_ack,
    signed_held,
    signed_offers,
    signed_raw_answer,
)

ASKED: list[tuple[SignedRequest, Query | None, Payload]] = [
    (signed(), QUESTION, answer()),
    (signed(), QUESTION, denial()),
    (signed_offers(), None, offers()),
    (signed_held(), None, held()),
    (signed_ack(), None, confirmed()),
]
"""Requests, their questions and honest payloads; an input's first byte says which."""


@cache
def valid() -> list[bytes]:
    """The honest bodies, each behind the number of its request."""
    return [
        bytes([at]) + answered(request, payload).body
        for at, (request, _, payload) in enumerate(ASKED)
    ]


def nearly(choices: Choices) -> bytes:
    """A body with a changed payload or leaf, whose digests and proof agree all the same."""
    at = choices.below(len(ASKED))
    body = split_body(valid()[at][1:])
    payload, leaf = body.payload, orjson.loads(body.leaf)
    part = choices.below(4)
    if part != 1:
        payload = spelled(changed_json(orjson.loads(payload), choices), choices)
        payload = payload.replace(b"\n", b" ")
        leaf["answer"] = digest(payload)
    if part != 0:
        leaf = changed_json(leaf, choices)
    raw = orjson.dumps(leaf, option=orjson.OPT_SORT_KEYS)
    proof = proof_of(raw)
    if part == 3:
        proof = changed_bytes(proof, choices, 2)
    try:
        return bytes([at]) + write_body(payload, raw, proof)
    except BodyMalformed:
        return bytes([at]) + b"\n".join((payload, base64.b64encode(raw), proof))


def read(raw: bytes) -> None:
    """Accept the body, signed by the partner for the request that the first byte names."""
    request, asked, _ = ASKED[(raw[0] if raw else 0) % len(ASKED)]
    status = (200, 403)[(raw[0] if raw else 0) == 1]
    accept_answer(request, asked, signed_raw_answer(request, raw[1:], status), PEER, AT)


TARGET = Target(
    "answer",
    "a signed answer is accepted, or AnswerRefused",
    read,
    (AnswerRefused,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
