"""Errors: whose fault, which code, and no word that nobody vouched for."""

from __future__ import annotations

import errno
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest
from pydantic import BaseModel

import adapters
import keys
import node
import protocol
from adapters.errors import TooFewPairs
from keys.keyfile import KeyFileMissing
from node.audit.errors import LogBusy
from node.collections.errors import UnknownCollection
from node.federation.errors import PeerUnknown
from node.ingest.errors import BadRecord
from node.operations.errors import (
    CLASSES,
    OUR_ROOMS,
    NotPermitted,
    OperationError,
    from_problem,
    translate,
)
from node.operations.exit_codes import ExitCode
from node.room_error import RoomError

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
    assert (missing.exit_code, missing.cause) == (ExitCode.FAILED, "There is no sign.key.")


def test_an_operation_error_passes_unchanged() -> None:
    error = NotPermitted("no", fix="ask")
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


def every_module() -> Iterator[ModuleType]:
    for room in (keys, protocol, adapters, node):
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            yield importlib.import_module(found.name)


def every_error() -> list[type[Exception]]:
    """Each exception that the rooms define, however deep."""
    found = {
        kind
        for module in every_module()
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    }
    return sorted((each for each in found if each.__module__.startswith(OUR_ROOMS)), key=str)


def test_every_error_says_what_is_wrong_and_apart_from_it_what_to_do() -> None:
    errors = every_error()
    assert {UnknownCollection, BadRecord, PeerUnknown, KeyFileMissing, TooFewPairs} <= set(errors)
    for kind in errors:
        if issubclass(kind, OperationError):
            error: Exception = kind("the cause", fix="the fix")
        else:
            error = kind.__new__(kind, "the cause")  # as raised with a cause and no fix of its own
        problem = translate(error).problem()
        assert problem.detail.strip(), kind
        assert problem.fix.strip(), kind
        assert problem.fix != problem.detail, kind


def test_an_operation_error_cannot_be_made_without_a_fix() -> None:
    for kind in (each for each in every_error() if issubclass(each, OperationError)):
        with pytest.raises(TypeError, match="fix"):
            kind("the cause")  # type: ignore[call-arg]  # that is what is tested


def test_a_room_that_raises_names_a_fix_of_its_own_or_its_class_does() -> None:
    for kind in (each for each in every_error() if issubclass(each, RoomError)):
        if kind is not RoomError:
            assert kind.fix.strip(), kind
    with_its_own = UnknownCollection("there is no collection 'x'", fix="Look again.")
    assert translate(with_its_own).fix == "Look again."
    assert translate(with_its_own).cause == "There is no collection 'x'."


def test_a_place_in_a_file_keeps_its_spelling() -> None:
    shown = translate(BadRecord("papers.jsonl:3", "id is missing"))
    assert shown.cause == "papers.jsonl:3: id is missing."
    assert shown.fix == "Correct the file and run the same command again."
