"""The base of the rooms' errors: each says what is wrong and, apart from it, what to do about it.

`str(error)` is the cause alone, so that one error can stand inside another's words. `fix` is what
the command line prints as `fix:` and a problem body as its `fix`; a class has one for all its
errors, and a raise that knows better gives its own.
"""

from __future__ import annotations

from typing import ClassVar


class RoomError(Exception):
    """Something that a room could not do.

    Attributes:
        failure: whose fault it is, as a class of `node.operations.errors` names it.
        fix: one sentence that says what to do; may be a command line.
    """

    failure: ClassVar[str] = "failed"
    fix: str

    def __init__(self, cause: str, *, fix: str = "") -> None:
        super().__init__(cause)
        if fix:
            self.fix = fix
