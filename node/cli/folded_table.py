"""A wide table of counts in a narrow terminal: counts in columns, what has no room below each row.

Rule of this file: nothing is cut. A word that is longer than the terminal stands in a line alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

GAP = 2


def folded(
    columns: Sequence[str], rows: Sequence[Sequence[str]], counts: Sequence[bool], width: int
) -> list[str]:
    """Return the lines of a table with at least one row.

    Args:
        columns: titles; those of columns are written one word below the other.
        rows: cells as text; as many as there are columns.
        counts: which columns hold counts: they stay columns, aligned at the right.
        width: characters that a line should not exceed.
    """
    kept = _kept(columns, rows, counts, width)
    titles = [title.split(" ") for title in columns]
    height = max(len(titles[place]) for place in kept)
    head = [
        [
            words[line - height + len(words)] if line >= height - len(words) else ""
            for words in titles
        ]
        for line in range(height)
    ]
    widths = [_width(columns[place], [row[place] for row in rows]) for place in range(len(columns))]
    lines = [
        _line([each[n] for n in kept], [(widths[n], counts[n]) for n in kept]) for each in head
    ]
    for row in rows:
        rest = [f"{columns[n].lower()} {row[n]}" for n in range(len(columns)) if n not in kept]
        shown = _line([row[n] for n in kept], [(widths[n], counts[n]) for n in kept])
        lines += [shown, *_wrapped(rest, width)] if 0 in kept else [*_wrapped(rest, width), shown]
    return lines


def _kept(
    columns: Sequence[str], rows: Sequence[Sequence[str]], counts: Sequence[bool], width: int
) -> list[int]:
    """Places of the columns that stay: all counts, and texts before them while there is room."""
    widths = [_width(title, [row[n] for row in rows]) for n, title in enumerate(columns)]
    kept = [place for place, counted in enumerate(counts) if counted]
    for place in range(kept[0] if kept else len(columns)):
        if sum(widths[n] + GAP for n in [*kept, place]) - GAP > width:
            break
        kept.append(place)
    return sorted(kept) or [0]


def _width(title: str, cells: Sequence[str]) -> int:
    return max(len(text) for text in [*title.split(" "), *cells])


def _line(cells: Sequence[str], widths: Sequence[tuple[int, bool]]) -> str:
    placed = (
        text.rjust(width) if counted else text.ljust(width)
        for text, (width, counted) in zip(cells, widths, strict=True)
    )
    return (GAP * " ").join(placed).rstrip()


def _wrapped(texts: Sequence[str], width: int) -> list[str]:
    return textwrap.wrap(
        ", ".join(texts),
        max(width, 20),
        initial_indent="    ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
