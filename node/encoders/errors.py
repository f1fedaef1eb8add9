"""What can go wrong with an encoder.

EncoderError
├── UnknownEncoder        no encoder of that name
├── EncoderExists         the name is taken
├── EncoderMisconfigured  its settings cannot work; says which and why
├── EncoderTakesVectors   this encoder encodes no text: the caller gives vectors
└── EncoderFailed         the model could not be reached or answered wrongly
"""


class EncoderError(Exception):
    """An encoder cannot do what was asked; the message names the cause and the fix."""


class UnknownEncoder(EncoderError):
    """No encoder has this name."""


class EncoderExists(EncoderError):
    """An encoder of this name exists already."""


class EncoderMisconfigured(EncoderError):
    """The settings given cannot work."""


class EncoderTakesVectors(EncoderError):
    """The encoder stands for vectors that the caller computes; it cannot encode text."""


class EncoderFailed(EncoderError):
    """The model could not be reached in time or its answer is unusable. Never holds a text."""
