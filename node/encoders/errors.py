"""What can go wrong with an encoder.

EncoderError
├── UnknownEncoder        no encoder of that name
├── EncoderExists         the name is taken
├── EncoderInUse          a collection's version was made with it
├── EncoderMisconfigured  its settings cannot work; says which and why
├── EncoderTakesVectors   this encoder encodes no text: the caller gives vectors
├── EncoderFailed         the model could not be reached or answered wrongly
└── UnusableVectors       vectors are not what the envelope promises

`failure` says to the operations' framework whose fault it is.
"""

from typing import ClassVar


class EncoderError(Exception):
    """An encoder cannot do what was asked; the message names the cause and the fix."""

    failure: ClassVar[str] = "failed"


class UnknownEncoder(EncoderError):
    """No encoder has this name."""

    failure = "not-found"


class EncoderExists(EncoderError):
    """An encoder of this name exists already."""

    failure = "conflict"


class EncoderInUse(EncoderError):
    """The encoder cannot go while a collection needs it."""

    failure = "conflict"


class EncoderMisconfigured(EncoderError):
    """The settings given cannot work."""

    failure = "invalid-request"


class EncoderTakesVectors(EncoderError):
    """The encoder stands for vectors that the caller computes; it cannot encode text."""

    failure = "invalid-request"


class EncoderFailed(EncoderError):
    """The model could not be reached in time or its answer is unusable. Never holds a text.

    `row` is the number of the text at fault, from 0, or None where it is not one text's fault.
    """

    failure = "unavailable"

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


class UnusableVectors(EncoderError):
    """Vectors have the wrong width or hold what no index can use. Never holds a value.

    `row` is the number of the first bad one, from 0, or None where it is not one row's fault.
    """

    failure = "invalid-request"

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row
