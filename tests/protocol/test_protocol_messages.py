"""docs/protocol.md cannot drift: its examples are verified, its tables compared with the code."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from node.policy.rules import Rule
from protocol import limits
from protocol.accept_answer import AuthenticatedProblem, RawAnswer, accept_answer
from protocol.accept_query import RawRequest, accept
from protocol.answer_content import AcceptedAnswer
from protocol.answer_refused import Reason
from protocol.leaf import (
    Acknowledged,
    Answered,
    Compared,
    Denied,
    Failed,
    Leaf,
    Offered,
    Received,
    Repeated,
    Sent,
    Unacknowledged,
    Unanswered,
)
from protocol.messages import (
    Acknowledgement,
    Answer,
    Confirmed,
    Denial,
    Held,
    Hit,
    Offer,
    Offers,
    Query,
    ReceivedAnswer,
    RouteReport,
)
from protocol.problems import KINDS, Code
from protocol.profile import ANSWER_COVERED, ANSWER_TAG, ENDPOINTS, PARAMETERS, QUERY
from protocol.signature_base import signature_base
from tests.protocol.exchange import (
    AT,
    AUTHORITY,
    CLINIC_SIGN,
    HOSPITAL_LOG,
    HOSPITAL_SIGN,
    PEER,
    QUESTION,
    RECEIVER,
    answer,
    denial,
    received,
    signed,
    signed_ack,
    signed_held,
    signed_offers,
)

TEXT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
FENCES = dict(re.findall(r"^```\w+ ([\w-]+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))


def rows(header: str) -> list[list[str]]:
    """The cells of the table whose header starts with `header`, without its two head rows."""
    (found,) = re.findall(rf"^\| {re.escape(header)} \|.*?(?=\n\n)", TEXT, re.MULTILINE | re.DOTALL)
    lines = found.split("\n")[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def names(header: str) -> list[str]:
    return [cells[0].strip(" `") for cells in rows(header)]


def ticked(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def parse_http(name: str) -> tuple[str, list[tuple[bytes, bytes]], bytes]:
    """The start line, the header fields and the body (as long as Content-Length says)."""
    head, _, rest = FENCES[name].partition("\n\n")
    start, *lines = head.split("\n")
    pairs = [line.split(": ", 1) for line in lines]
    headers = [(key.encode(), value.encode()) for key, value in pairs]
    length = int(dict(headers).get(b"Content-Length", b"0"))
    assert len(rest.encode()) - length <= 1  # the line break before the closing fence
    return start, headers, rest.encode()[:length]


def example_request(name: str) -> RawRequest:
    start, headers, body = parse_http(name)
    method, path, _ = start.split(" ")
    return RawRequest(method, dict(headers)[b"Host"].decode(), path, "", headers, body)


def example_answer(name: str) -> RawAnswer:
    start, headers, body = parse_http(name)
    return RawAnswer(int(start.split(" ")[1]), headers, body)


def test_every_fence_with_an_example_is_read_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in FENCES if f'"{name}"' not in source] == []


@pytest.mark.parametrize("name", ["query-request", "offers-request", "held-request", "ack-request"])
def test_the_requests_are_accepted_and_are_those_of_the_exchange(name: str) -> None:
    requests = {"query": signed, "offers": signed_offers, "held": signed_held, "ack": signed_ack}
    sent = requests[name.split("-")[0]]()
    raw = example_request(name)
    accepted = accept(raw, RECEIVER, AT)
    assert accepted.binding == sent.binding
    assert raw.body == sent.body
    assert (raw.authority, raw.path) == (AUTHORITY, sent.path)
    assert set(received(sent).headers) - set(raw.headers) == {(b"Accept", b"*/*")}


def test_the_signature_base_is_that_of_the_request() -> None:
    binding = accept(example_request("query-request"), RECEIVER, AT).binding
    base = signature_base(QUERY.identifiers, binding.request_values(), binding.params)
    assert base.decode() + "\n" == FENCES["query-base"]


@pytest.mark.parametrize("name", ["query-answer", "query-denial"])
def test_the_answers_are_accepted(name: str) -> None:
    result = accept_answer(signed(), QUESTION, example_answer(name), PEER, AT)
    assert isinstance(result, AcceptedAnswer)
    assert result.payload == (answer() if name == "query-answer" else denial())


def test_the_refusal_without_a_receipt_is_accepted() -> None:
    raw = example_answer("query-rate-limited")
    result = accept_answer(signed(), QUESTION, raw, PEER, AT)
    assert isinstance(result, AuthenticatedProblem)
    assert result.problem.code == Code.RATE_LIMITED


def test_an_example_that_is_changed_is_not_accepted() -> None:
    raw = example_answer("query-answer")
    moved = replace(signed(), binding=replace(signed().binding, to="bank.example"))
    with pytest.raises(Exception, match="does not verify"):
        accept_answer(moved, QUESTION, raw, PEER, AT)


def test_keys_and_clock() -> None:
    assert f"The clock stands at {AT}." in " ".join(TEXT.split())
    kids = {cells[0].strip("`"): cells[3].strip(" `|") for cells in rows("key")}
    assert kids == {
        "clinic sign": CLINIC_SIGN.kid,
        "hospital sign": HOSPITAL_SIGN.kid,
        "hospital log": HOSPITAL_LOG.kid,
    }


def test_endpoints_components_and_parameters() -> None:
    table = [[cell.strip("` |") for cell in cells] for cells in rows("endpoint")]
    assert table == [[e.name, e.method, e.path, e.content_type or "none", e.tag] for e in ENDPOINTS]
    assert FENCES["request-components"].strip() == QUERY.covered
    assert FENCES["answer-components"].strip() == ANSWER_COVERED
    assert tuple(names("parameter")) == PARAMETERS
    assert f"`{ANSWER_TAG}`" in TEXT


def test_the_problem_codes() -> None:
    table = {
        cells[0].strip("`"): (int(cells[1]), cells[2], cells[3].strip(" |"))
        for cells in rows("code")
    }
    assert table == {str(code): (k.status, k.standing, k.title) for code, k in KINDS.items()}


def steps() -> Iterator[list[str]]:
    for table in re.findall(r"^\| step \|.*?(?=\n\n)", TEXT, re.MULTILINE | re.DOTALL):
        yield table.split("\n")[2:]


def test_every_step_names_a_code_with_its_status_and_no_code_is_missing() -> None:
    requests, _ = steps()
    found = {}
    for line in requests:
        for status, code in re.findall(r"(\d{3}) `([a-z-]+)`", line):
            found[code] = int(status)
    assert found == {str(code): kind.status for code, kind in KINDS.items()}
    everywhere = re.findall(r"\b(\d{3})\s+`([a-z-]+)`", TEXT)
    assert {(int(status), code) for status, code in everywhere} == {
        (kind.status, str(code)) for code, kind in KINDS.items()
    }


def test_every_reason_of_the_asker_is_in_its_steps() -> None:
    _, answers = steps()
    reasons = {line.rstrip(" |").rpartition("| ")[2].strip("`") for line in answers}
    assert reasons == set(get_args(Reason))


def test_the_rules_of_a_grant() -> None:
    assert set(names("rule")) == {*get_args(Rule), "grant-changed"}


def test_every_limit_is_listed_with_its_value_and_used_with_it() -> None:
    table = {cells[0].strip("`"): int(cells[1]) for cells in rows("limit")}
    assert table == {name: value for name, value in vars(limits).items() if name.isupper()}
    for name, value in re.findall(r"`([A-Z][A-Z_0-9]+)`\s+\((\d+)\)", TEXT):
        assert int(value) == table[name], name


MESSAGES: dict[str, type[BaseModel]] = {
    "member of a query": Query,
    "member of an answer": Answer,
    "member of a hit": Hit,
    "member of a route report": RouteReport,
    "member of offers": Offers,
    "member of an offer": Offer,
    "member of a denial": Denial,
    "member of held": Held,
    "member of an acknowledgement": Acknowledgement,
    "member of a received answer": ReceivedAnswer,
    "member of a confirmation": Confirmed,
}


@pytest.mark.parametrize("header", MESSAGES)
def test_the_members_of_a_message(header: str) -> None:
    model = MESSAGES[header]
    assert names(header) == list(model.model_fields)
    for name, type_, *_ in rows(header):
        info = model.model_fields[name.strip("`")]
        left_out = re.search(r"optional|only|see above", type_) is not None
        required = info.is_required() or name in ("`v`", "`decision`")
        listed = str(info.annotation).startswith("tuple") or "dict" in str(info.annotation)
        assert left_out != required or listed, name


LEAVES: tuple[type[Leaf], ...] = (
    Sent,
    Received,
    Unanswered,
    Answered,
    Repeated,
    Denied,
    Failed,
    Offered,
    Compared,
    Acknowledged,
    Unacknowledged,
)


def test_the_members_of_the_leaves_of_an_exchange() -> None:
    types = {str(leaf.model_fields["type"].default): leaf for leaf in LEAVES}
    stated: dict[str, dict[str, bool]] = {name: {} for name in types}
    for member, always, known, *_ in rows("member of a leaf"):
        for cell, required in ((always, True), (known, False)):
            for name in types if cell == "all" else ticked(cell):
                stated[name][member.strip("`")] = required
    actual = {
        name: {
            field: info.is_required() or info.default is not None
            for field, info in leaf.model_fields.items()
        }
        for name, leaf in types.items()
    }
    for fields in actual.values():
        fields["salt"] = True
    assert stated == actual


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([a-z-]+\.md)\)", TEXT):
        assert (Path(__file__).parents[2] / "docs" / target).exists()
