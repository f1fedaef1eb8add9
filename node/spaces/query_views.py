"""Where a text's query view comes from, and one made up for a text that has none.

The rule of this file: maps are chosen by asking for known items, so it is always said how an anchor
came to its question. A real question is worth more than a title, a title more than words of the
text itself.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

View = Literal["given", "title", "example", "first-sentence", "first-words"]
"""The sources of a query view, the best first."""

VIEWS: tuple[View, ...] = get_args(View)

SHORT_WORDS = 8
"""Words of a derived query view where the text has no first sentence to take."""


def query_view(document: str, fields: Mapping[str, Any]) -> tuple[str, View]:
    """Return the query view of a text, and its source, from whatever fields stand beside it.

    `query` where there is one, else `title`, else `example`, else the text's first sentence, else
    its first words. A field that is no text, or is empty, or says what the text says, is passed by.
    """
    for name, view in (("query", VIEWS[0]), ("title", VIEWS[1]), ("example", VIEWS[2])):
        value = fields.get(name)
        if isinstance(value, str) and value.strip() and value.strip() != document.strip():
            return value.strip() if view != "given" else value, view
    return derive_query(document)


def derive_query(document: str) -> tuple[str, View]:
    """Return a text's first sentence, else its first words, and which of them it is."""
    head, stop, rest = document.partition(". ")
    if stop and rest.strip():
        return head + ".", "first-sentence"
    return " ".join(document.split()[:SHORT_WORDS]), "first-words"
