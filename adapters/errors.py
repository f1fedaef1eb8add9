"""What a fit, a map or an adapter file can refuse, by name.

AdapterError
├── FitRefused          the anchors cannot carry a map
│   ├── TooFewPairs     not enough pairs for the widths
│   ├── WrongDimension  shapes that do not belong together
│   ├── NotFinite       NaN or infinite components
│   ├── Collapsed       vectors that hardly differ from each other
│   ├── Duplicates      most rows are copies of other rows
│   └── WrongDirection  source and target, or one side's views, were exchanged
└── AdapterFileRefused  a file is damaged, another one than named, or of the other direction
"""


class AdapterError(ValueError):
    """Base of this room's errors; the message names cause and fix, never components of vectors."""


class FitRefused(AdapterError):
    """The anchors cannot carry a map."""


class TooFewPairs(FitRefused):
    """There are not enough anchor pairs."""


class WrongDimension(FitRefused):
    """Two matrices do not belong together, or a vector does not belong to a map's source."""


class NotFinite(FitRefused):
    """A component is NaN or infinite."""


class Collapsed(FitRefused):
    """The vectors hardly differ: the model gives nearly the same for every text."""


class Duplicates(FitRefused):
    """Most rows are copies of others."""


class WrongDirection(FitRefused):
    """Known items are found better the other way round."""


class AdapterFileRefused(AdapterError):
    """An adapter file is damaged, not the one that was named, or maps another way."""
