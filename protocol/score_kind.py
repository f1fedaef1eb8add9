"""What a score is in its space: a module of its own, so that the command line loads no more."""

from typing import Literal

ScoreKind = Literal["corrected"]
"""The corrected score of docs/protocol.md; unnamed, the cosine."""
