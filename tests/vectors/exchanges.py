"""Writes the files of signed requests and answers, with the outcome that each must have.

    python -m tests.vectors.exchanges

Everything comes from named seeds (docs/protocol.md, "Examples"), so running it again changes
nothing. Header values are written as Latin-1 text, since some cases hold bytes outside ASCII.
tests/protocol/test_exchange_vectors.py reads the files and knows nothing of how they were made.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keys.ring import KeyRing
from protocol.accept_answer import RawAnswer
from protocol.accept_query import RawRequest
from protocol.notation import to_base64url
from protocol.problems import Code
from protocol.sign import SignedRequest
from tests.protocol import answer_changes, request_changes
from tests.protocol.exchange import (
    AT,
    AUTHORITY,
    CLINIC,
    CLINIC_RING,
    HOSPITAL,
    HOSPITAL_LOG,
    HOSPITAL_RING,
    LOG_ORIGIN,
    answer,
    answered,
    denial,
    received,
    signed,
    signed_offers,
)
from tests.protocol.test_answer_content import LEAVES, PAYLOADS

HERE = Path(__file__).parent
MAX_CASE_BYTES = 20_000  # cases that are about size alone would make the files unreadable


def ring(keys: KeyRing) -> list[dict[str, Any]]:
    """The keys of a ring."""
    return [
        {
            "kid": record.kid,
            "public": to_base64url(record.public),
            "purpose": record.purpose,
            "not_before": record.not_before,
            "not_after": record.not_after,
        }
        for record in keys.records.values()
    ]


def headers(message: RawRequest | RawAnswer) -> list[list[str]]:
    """The header fields as text."""
    return [[n.decode("latin-1"), v.decode("latin-1")] for n, v in message.headers]


def small(message: RawRequest | RawAnswer) -> bool:
    """Tell whether a case is short enough to be written down."""
    fields = sum(len(n) + len(v) for n, v in message.headers)
    return len(message.body) + fields <= MAX_CASE_BYTES


def request(raw: RawRequest) -> dict[str, Any]:
    """A request as it is received."""
    return {
        "method": raw.method,
        "authority": raw.authority,
        "path": raw.path,
        "query": raw.query,
        "headers": headers(raw),
        "body": base64.b64encode(raw.body).decode(),
    }


def requests() -> dict[str, Any]:
    """Requests, with the problem code of each that must be refused."""
    good = received(signed())

    def case(name: str, raw: RawRequest, code: Code | None, at: int = AT) -> dict[str, Any]:
        return {"name": name, "at": at, "code": code, "request": request(raw)}

    cases = [
        case("a question", good, None),
        case("a request for offers", received(signed_offers()), None),
        case("at the beginning of the window", good, None, AT - 30),
        case("at the end of the window", good, None, AT + 90),
        case("before the window", good, Code.OUTSIDE_TIME_WINDOW, AT - 31),
        case("after the window", good, Code.OUTSIDE_TIME_WINDOW, AT + 91),
        case("an unknown sender", received(signed(from_="bank.example")), Code.NOT_AUTHENTICATED),
    ]
    tables = {
        "changed": request_changes.CHANGED,
        "form": request_changes.MALFORMED,
        "signature": request_changes.SIGNATURE_FORM,
        "signed": request_changes.SIGNED,
    }
    for table, changes in tables.items():
        for name, (change, code) in changes.items():
            raw = change(good)
            if small(raw):
                cases.append(case(f"{table}: {name}", raw, code))
    receiver = {"organisation": HOSPITAL, "authorities": [AUTHORITY]}
    return {"receiver": receiver, "senders": {CLINIC: ring(CLINIC_RING)}, "cases": cases}


def answers() -> dict[str, Any]:
    """Answers to one request, with the reason of each that must be refused."""
    sent = signed()
    good = answered(sent, answer())

    def case(name: str, raw: RawAnswer, reason: str | None) -> dict[str, Any]:
        body = base64.b64encode(raw.body).decode()
        return {
            "name": name,
            "reason": reason,
            "status": raw.status,
            "headers": headers(raw),
            "body": body,
        }

    cases = [
        case("an answer", good, None),
        case("a stored answer given again", answered(sent, answer(decision="repeated")), None),
        case("a denial", answered(sent, denial()), None),
        case("an error", answered(sent, denial(Code.SEARCH_FAILED)), None),
        case("the answer to another request", moved(signed(to="bank.example")), "signature"),
    ]
    for table in (answer_changes.CHANGED, answer_changes.SIGNED):
        for name, (change, reason) in table.items():
            if small(change(good)):
                cases.append(case(name, change(good), reason))
    for name, payload in PAYLOADS.items():
        cases.append(case(f"a payload of {name}", answered(sent, payload), "mismatch"))
    for name, members in LEAVES.items():
        cases.append(case(f"a leaf of {name}", answered(sent, answer(), **members), "leaf"))
    log = {"origin": LOG_ORIGIN, "kid": HOSPITAL_LOG.kid}
    peer = {"organisation": HOSPITAL, "keys": ring(HOSPITAL_RING), "log": log}
    return {"at": AT, "request": request(received(sent)), "peer": peer, "cases": cases}


def moved(other: SignedRequest) -> RawAnswer:
    """An honest answer to another request."""
    return answered(other, answer(query=other.body_digest))


FILES: dict[str, Callable[[], Any]] = {"requests.json": requests, "answers.json": answers}


def written(name: str) -> str:
    """The text of one file."""
    return json.dumps(FILES[name](), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for file in FILES:
        (HERE / file).write_text(written(file), encoding="utf-8")
