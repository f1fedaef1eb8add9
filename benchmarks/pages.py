"""Tables that a benchmark writes into a page between marks, so that what people wrote stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

END = "<!-- end -->"


def write_into(page: Path, benchmark: str, tables: str) -> None:
    """Put the tables between the marks of a benchmark; a page without them stays as it is."""
    text = page.read_text("utf-8") if page.exists() else ""
    begin_mark = f"<!-- written by {benchmark} -->"
    before, begin, rest = text.partition(begin_mark)
    _, end, after = rest.partition(END)
    if begin and end:
        page.write_text(f"{before}{begin}\n\n{tables}\n\n{end}{after}", "utf-8")
