"""Errors: whose fault, which code, and no word that nobody vouched for."""

from __future__ import annotations

import errno

import pytest
from pydantic import BaseModel

from keys.keyfile import KeyFileMissing
from node.audit.errors import LogBusy
from node.federation.errors import PeerUnknown
from node.operations.errors import (
    CLASSES,
    NotPermitted,
    OperationError,
    from_problem,
    translate,
)
from node.operations.exit_codes import ExitCode

CANARY = "canary-4c1d"


class Number(BaseModel, extra="forbid"):
    number: int


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_survives_the_socket(kind: type[OperationError]) -> None:
    sent = kind("cause", fix="fix", code="special")
    came = from_problem(sent.problem())
    assert type(came) is kind
    assert (came.cause, came.fix, came.code) == ("cause", "fix", "special")


def test_a_rooms_error_keeps_its_words_and_the_class_it_chose() -> None:
    unknown = translate(PeerUnknown("No such peer.", fix="interlingua peer list"))
    assert (unknown.status, unknown.code) == (404, "peer-unknown")
    assert (unknown.cause, unknown.fix) == ("No such peer.", "interlingua peer list")
    busy = translate(LogBusy("Too many wait."))
    assert (busy.exit_code, busy.status) == (ExitCode.UNAVAILABLE, 503)
    missing = translate(KeyFileMissing("there is no sign.key"))
    assert (missing.exit_code, missing.cause) == (ExitCode.FAILED, "there is no sign.key")


def test_an_operation_error_passes_unchanged() -> None:
    error = NotPermitted("no")
    assert translate(error) is error


def test_a_wrong_value_is_named_and_not_quoted() -> None:
    with pytest.raises(ValueError, match="number") as refused:
        Number.model_validate({"number": CANARY, "more": CANARY})
    error = translate(refused.value)
    assert (error.exit_code, error.status) == (ExitCode.USAGE, 400)
    assert "number" in error.cause
    assert "more" in error.cause
    assert CANARY not in error.cause


def test_the_operating_systems_reason_is_given_without_its_arguments() -> None:
    error = translate(OSError(errno.ENOSPC, "No space left on device", "/data/log.db"))
    assert "No space left on device" in error.cause
    assert "/data/log.db" in error.cause


@pytest.mark.parametrize("error", [RuntimeError(CANARY), KeyError(CANARY), ValueError(CANARY)])
def test_other_peoples_errors_are_named_by_type_only(error: Exception) -> None:
    shown = translate(error)
    assert shown.code == "unexpected"
    assert type(error).__name__ in shown.cause
    assert CANARY not in str(shown.problem())
