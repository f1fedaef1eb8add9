"""How an operation says that it did not succeed: cause, fix, and whose fault it is.

    OperationError            something failed here                     exit 1, HTTP 500
    +-- InvalidRequest        a value in the request is not valid       exit 2, HTTP 400
    +-- NotFound              the named thing does not exist            exit 1, HTTP 404
    +-- Conflict              the state does not allow it               exit 1, HTTP 409
    +-- NotPermitted          refused by policy, token or partner       exit 3, HTTP 403
    +-- Unavailable           needed, but not reachable or in use       exit 5, HTTP 503
    +-- NotVerified           a signature, proof or digest is wrong     exit 6, HTTP 422

Cause and fix are both always there, and apart: programs and people find the next step in one place.

Rooms raise their own errors (`node.room_error`); `translate` turns any exception into one of these.
The words of our own rooms hold no secret (a rule of the project), so they are passed on. Anything
else is unexpected: its text stays in the log, because nobody vouched for it.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from node.operations.exit_codes import ExitCode

OUR_ROOMS = ("node.", "protocol.", "adapters.", "keys.")
_REPORT = "Run it again with INTERLINGUA_DEBUG=1 for the traceback, and report it."


class OperationProblem(BaseModel):
    """An RFC 9457 problem body, as the admin socket, the local API and `--json` give it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    title: str
    status: int
    detail: str
    code: str
    fix: str
    exit_code: int


class OperationError(Exception):
    """An operation did not do what was asked.

    Args:
        cause: one sentence that says what is wrong.
        fix: one sentence that says what to do about it; may be a command line.
        code: stable slug for programs, by default the class's own.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    status: ClassVar[int] = 500
    title: ClassVar[str] = "The operation failed"
    default_code: ClassVar[str] = "failed"

    def __init__(self, cause: str, *, fix: str, code: str | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.fix = fix
        self.code = code or self.default_code

    def problem(self) -> OperationProblem:
        """This error as a problem body."""
        return OperationProblem(
            type=f"urn:interlingua:problem:{self.code}",
            title=self.title,
            status=self.status,
            detail=self.cause,
            code=self.code,
            fix=self.fix,
            exit_code=int(self.exit_code),
        )


class InvalidRequest(OperationError):
    """A value in the request is not valid."""

    exit_code = ExitCode.USAGE
    status = 400
    title = "The request is not valid"
    default_code = "invalid-request"


class NotFound(OperationError):
    """The named thing does not exist."""

    status = 404
    title = "Not found"
    default_code = "not-found"


class Conflict(OperationError):
    """The present state does not allow the operation."""

    status = 409
    title = "Not possible in this state"
    default_code = "conflict"


class NotPermitted(OperationError):
    """Refused by policy, by a token's limits, or by the partner."""

    exit_code = ExitCode.REFUSED
    status = 403
    title = "Not permitted"
    default_code = "not-permitted"


class Unavailable(OperationError):
    """Something that is needed cannot be reached or is in use."""

    exit_code = ExitCode.UNAVAILABLE
    status = 503
    title = "Unavailable"
    default_code = "unavailable"


class NotVerified(OperationError):
    """A signature, proof, digest or log did not verify."""

    exit_code = ExitCode.UNVERIFIED
    status = 422
    title = "Not verified"
    default_code = "not-verified"


class PartlyDone(OperationError):
    """A part was done and stays; what follows was not."""

    exit_code = ExitCode.PARTIAL
    status = 409
    title = "Only a part was done"
    default_code = "partly-done"


CLASSES: tuple[type[OperationError], ...] = (
    OperationError,
    InvalidRequest,
    NotFound,
    Conflict,
    NotPermitted,
    Unavailable,
    NotVerified,
    PartlyDone,
)


def from_problem(problem: OperationProblem) -> OperationError:
    """The error that a problem body describes: a socket client raises what the handler did."""
    for kind in CLASSES:
        if kind.status == problem.status and kind.exit_code == problem.exit_code:
            return kind(problem.detail, fix=problem.fix, code=problem.code)
    return OperationError(problem.detail, fix=problem.fix, code=problem.code)


def translate(error: Exception) -> OperationError:
    """Turn any exception into an operation error that is safe to show."""
    if isinstance(error, OperationError):
        return error
    if isinstance(error, ValidationError):
        from node.wrong_values import describe  # what is wrong is described where something is

        return InvalidRequest(f"{describe(error)}.", fix="Correct what is named and try again.")
    if type(error).__module__.startswith(OUR_ROOMS):
        return _of_our_room(error)
    if isinstance(error, OSError):
        name = f" ({error.filename})" if error.filename else ""
        return OperationError(
            f"The operating system refused: {error.strerror or 'no reason given'}{name}.",
            fix="Check that the path exists, its owner and mode, and the free disk space.",
            code="operating-system",
        )
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        return OperationError(
            f"The package that gives {error.name.partition('.')[0]} is not installed.",
            fix="Install interlingua with all that it depends on; what an auditor can do with less "
            "is in docs/audit.md.",
            code="package-missing",
        )
    return OperationError(
        f"Unexpected failure ({type(error).__name__}).",
        fix=_REPORT,
        code="unexpected",
    )


def _of_our_room(error: Exception) -> OperationError:
    """A room's own error: `failure` names the class where the room chose one."""
    kind = getattr(error, "failure", None)
    for candidate in CLASSES:
        if candidate.default_code == kind:
            break
    else:
        candidate = OperationError
    code = str(getattr(error, "code", "") or candidate.default_code)
    cause = _sentence(str(error) or type(error).__name__)
    return candidate(cause, fix=str(getattr(error, "fix", "")) or _general_fix(error), code=code)


def _general_fix(error: Exception) -> str:
    """What to do about an error whose room knows no better: protocol's are about what was sent."""
    if type(error).__module__.startswith("protocol."):
        return "Get it again from whoever made it, unchanged, and try again."
    return _REPORT


def _sentence(text: str) -> str:
    """The rooms' messages begin with a small letter and end bare, to stand within other words."""
    first = text.partition(" ")[0]
    if first.isalpha() and first.islower():
        text = first.capitalize() + text[len(first) :]
    return text if text.endswith((".", "!", "?")) else f"{text}."
