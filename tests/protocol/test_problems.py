"""Problem codes: complete, stable, and never telling a stranger more than the class."""

import pytest
from pydantic import ValidationError

from protocol.limits import MAX_DETAIL_CHARS
from protocol.problems import KINDS, Code, Problem, Refused


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_a_body(code: Code) -> None:
    problem = Problem.of(code)
    assert problem.type == f"urn:interlingua:problem:{code}"
    assert problem.code == code.value
    assert problem.status == KINDS[code].status
    assert Problem.model_validate_json(problem.encode()) == problem


def test_a_stranger_is_told_the_code_alone() -> None:
    refused = Refused(Code.NOT_AUTHENTICATED, "secret", detail="secret", rule="secret")
    assert refused.problem() == Problem.of(Code.NOT_AUTHENTICATED)
    assert b"secret" not in refused.problem().encode()
    assert refused.local_detail == "secret"
    assert "secret" in str(refused)


def test_a_partner_is_told_detail_and_rule_but_not_the_local_reason() -> None:
    refused = Refused(
        Code.NOT_GRANTED, "local", authenticated=True, detail="for you", rule="purpose"
    )
    assert refused.problem() == Problem.of(Code.NOT_GRANTED, "for you", "purpose")
    assert b"local" not in refused.problem().encode()


def test_a_long_detail_is_cut() -> None:
    detail = Problem.of(Code.BUSY, "x" * 10_000).detail
    assert detail is not None
    assert len(detail) == MAX_DETAIL_CHARS


def test_a_type_outside_our_namespace_is_refused() -> None:
    with pytest.raises(ValidationError):
        Problem(type="https://example.com/x", title="t", status=400, code="x")
    with pytest.raises(ValidationError):
        Problem(type="urn:interlingua:problem:x", title="t", status=200, code="x")


def test_what_is_unauthenticated_is_decided_by_the_code() -> None:
    strangers = {code for code in Code if KINDS[code].standing == "unauthenticated"}
    assert strangers == {
        Code.UNKNOWN_ENDPOINT,
        Code.MALFORMED_REQUEST,
        Code.TOO_LARGE,
        Code.HEADERS_TOO_LARGE,
        Code.UNSUPPORTED_MEDIA_TYPE,
        Code.SIGNATURE_MALFORMED,
        Code.OUTSIDE_TIME_WINDOW,
        Code.SIGNATURE_COVERAGE,
        Code.NOT_AUTHENTICATED,
    }
