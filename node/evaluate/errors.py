"""What can keep an evaluation from being made.

EvaluationError
├── DataSetRefused    a data set cannot be judged by
├── CannotSplit       the documents cannot be spread over so many silos in that way
├── SpecRefused       an encoder's specification names no encoder
├── NothingToCompare  neither a joined space nor two files were named
└── CannotDraw        what draws pictures is not installed
"""

from node.room_error import RoomError


class EvaluationError(RoomError):
    """An evaluation cannot be made; the message names cause and fix."""

    failure = "invalid-request"
    fix = "See docs/evaluation.md."


class DataSetRefused(EvaluationError):
    """A data set cannot be judged by."""


class CannotSplit(EvaluationError):
    """The documents cannot be spread over so many silos in that way."""


class SpecRefused(EvaluationError):
    """An encoder's specification names no encoder."""


class NothingToCompare(EvaluationError):
    """Neither a joined space nor two files were named."""


class CannotDraw(EvaluationError):
    """What draws pictures is not installed."""
