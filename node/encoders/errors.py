"""What can go wrong with an encoder.

EncoderError
├── UnknownEncoder        no encoder of that name
├── EncoderExists         the name is taken
├── EncoderInUse          a collection's version was made with it
├── EncoderMisconfigured  its settings cannot work; says which and why
├── EncoderTakesVectors   this encoder encodes no text: the caller gives vectors
├── EncoderChanged        the model gives other vectors than those of its space
├── EncoderFailed         the model could not be reached or answered wrongly
└── UnusableVectors       vectors are not what the envelope promises

`failure` says to the operations' framework whose fault it is.
"""

from node.room_error import RoomError


class EncoderError(RoomError):
    """An encoder cannot do what was asked; the message names the cause and the fix."""

    fix = "See `interlingua encoder list` and `interlingua encoder test NAME`."


class UnknownEncoder(EncoderError):
    """No encoder has this name."""

    failure = "not-found"
    fix = "`interlingua encoder list` shows those there are; `interlingua encoder add` adds one."


class EncoderExists(EncoderError):
    """An encoder of this name exists already."""

    failure = "conflict"
    fix = "Choose another name."


class EncoderInUse(EncoderError):
    """The encoder cannot go while a collection needs it."""

    failure = "conflict"
    fix = "Drop the collections first that were made with it."


class EncoderMisconfigured(EncoderError):
    """The settings given cannot work."""

    failure = "invalid-request"
    fix = "Correct the settings; `interlingua encoder add --help` describes them."


class EncoderTakesVectors(EncoderError):
    """The encoder stands for vectors that the caller computes; it cannot encode text."""

    failure = "invalid-request"
    fix = "Give vectors, or use an encoder that runs a model."


class EncoderChanged(EncoderError):
    """The model behind the encoder was exchanged; its vectors belong to another space."""

    failure = "conflict"
    fix = (
        "Serve the former model, or add this one under a new name and ingest the documents into a "
        "new collection."
    )


class EncoderFailed(EncoderError):
    """The model could not be reached in time or its answer is unusable. Never holds a text.

    `row` is the number of the text at fault, from 0, or None where it is not one text's fault.
    """

    failure = "unavailable"
    fix = "Look at the model's server or its log; `interlingua encoder test NAME` tries it again."

    def __init__(self, cause: str, row: int | None = None, *, fix: str = "") -> None:
        super().__init__(cause, fix=fix)
        self.row = row


class UnusableVectors(EncoderError):
    """Vectors have the wrong width or hold what no index can use. Never holds a value.

    `row` is the number of the first bad one, from 0, or None where it is not one row's fault.
    """

    failure = "invalid-request"
    fix = "Compute the vectors with the model that the envelope names."

    def __init__(self, cause: str, row: int | None = None, *, fix: str = "") -> None:
        super().__init__(cause, fix=fix)
        self.row = row
