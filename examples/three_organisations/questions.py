"""What is asked in the demo, by whom, and where someone who knows the documents would look.

The rule of this file: questions are put as people put them, not copied from a document.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A question, its asker, and the organisation that is expected to hold the answer."""

    asker: str
    text: str
    holder: str


PURPOSE = "research"
REFUSED_PURPOSE = "marketing"
"""A purpose that no grant names."""

QUESTIONS = (
    Question("network.example", "Solve a system of linear equations", "arrays.example"),
    Question("network.example", "Read settings from environment variables", "records.example"),
    Question("arrays.example", "Parse the query string of a URL", "network.example"),
    Question(
        "arrays.example",
        "Show a progress bar while a long task runs in the terminal",
        "records.example",
    ),
    Question(
        "records.example",
        "Compute the singular value decomposition of a matrix",
        "arrays.example",
    ),
    Question(
        "records.example",
        "How do I close all open connections when the server stops?",
        "network.example",
    ),
)
