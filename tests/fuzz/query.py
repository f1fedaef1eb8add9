"""Bodies of questions, with their envelopes and vectors."""

import base64

import numpy as np
import orjson

from protocol.envelope import Envelope
from protocol.problems import Refused
from protocol.query_message import Query
from protocol.vectors import VectorsRefused, decode, encode
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_json, spelled
from tests.fuzz.target import Target
from tests.protocol.exchange import ENVELOPE, question


def valid() -> list[bytes]:
    """One question, one with a filter, a batch, and a batch in float16."""
    rows = np.eye(4, dtype=np.float32)
    small = Envelope.model_validate({**ENVELOPE.model_dump(), "dtype": "float16"})
    narrowed = {"language": {"any_of": ["en", 7]}, "year": {"least": 2019, "most": 2024}}
    return [
        question().encode(),
        question(filter=narrowed, granularity="count").encode(),
        question(vectors=encode(rows)).encode(),
        question(vectors=encode(rows, "float16"), envelope=small, space=small.space_id).encode(),
    ]


def nearly(choices: Choices) -> bytes:
    """A question with other members, or with other numbers in its vectors."""
    body = orjson.loads(choices.pick(valid()))
    if choices.below(3) == 0:
        raw = bytearray(base64.b64decode(body["vectors"]["data"]))
        for _ in range(1 + choices.below(3)):
            raw[choices.below(len(raw))] = choices.pick((0, 0x7F, 0x80, 0xC0, 0xFF, 0x7C))
        body["vectors"]["data"] = base64.b64encode(bytes(raw)).decode()
        return orjson.dumps(body)
    return spelled(changed_json(body, choices), choices)


def read(raw: bytes) -> None:
    """Read the body, then its vectors as its own envelope describes them."""
    query = Query.parse(raw)
    decode(query.vectors, query.envelope)
    assert Query.parse(query.encode()) == query


TARGET = Target(
    "query",
    "a question's body is read, or Refused, or its vectors are VectorsRefused",
    read,
    (Refused, VectorsRefused),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
