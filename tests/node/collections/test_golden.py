"""Titles and anchors become golden questions where only their meaning leads to the text."""

from pathlib import Path

import pytest

from node.collections.errors import GoldenInvalid
from node.collections.golden import (
    ANCHORS,
    SHARED,
    TITLES,
    from_anchors,
    from_titles,
    read_golden,
    titled,
)
from node.ingest.record import Record
from node.ingest.sources import SourceRules
from node.store.golden_rows import Golden
from tests.node.collections.models import add_model
from tests.node.collections.rooms import opened, record, unseen, vectors


def test_a_title_asks_for_its_document_unless_the_text_repeats_it_or_many_share_it() -> None:
    many = [(f"e{n}", "a column", "Notes from the editors") for n in range(SHARED + 1)]
    found = from_titles(
        [
            ("a", "Doses were halved.", "Safe  amounts for\nchildren"),
            ("b", "It was about safe amounts.", "Safe amounts for children"),
            ("c", "HEAT  pumps in old houses: a survey", "Heat pumps in old houses"),
            ("d", "something", "Too short"),
            *many,
        ]
    )
    assert [(one.question, one.judgments) for one in found] == [
        ("Safe amounts for children", {"a": 1, "b": 1})
    ]


def test_of_very_many_titles_the_same_are_taken_whatever_their_order() -> None:
    rows = [(str(n), "text", f"title of number {n}") for n in range(TITLES + 50)]
    found = from_titles(rows)
    assert len(found) == TITLES
    assert found == from_titles(reversed(rows))


async def test_a_title_is_a_text_in_the_named_field_of_a_document_with_a_text(
    tmp_path: Path,
) -> None:
    said = [("text", {"title": "A title"}), ("text", {"title": 7}), ("text", {"name": "A"}),
            (None, {"title": "Of bare vectors"})]  # fmt: skip
    rows = vectors(len(said))
    papers, home = tmp_path / "papers", tmp_path / "home"
    home.mkdir()
    papers.mkdir()
    async with opened(home, rules=SourceRules(directories=(papers,))) as rooms:
        collection = await rooms.collection()
        made = [
            record(n, rows[n], text=text, metadata=fields) for n, (text, fields) in enumerate(said)
        ]
        await collection.ingest(made, len(made), unseen)
        assert list(titled(collection, rooms.store, "title")) == [("d0", "text", "A title")]
        add_model(rooms.encoders, "old", 1)
        away = await rooms.collections.create("away", "old")
        for name in ("read", "changed", "gone"):  # their texts stay where they are
            (papers / name).write_text(f"words {name}")
            fields = {"title": f"What was {name}"}
            one = Record(name, name, uri=f"file://{papers}/{name}", metadata=fields)
            await away.ingest([one], 1, unseen)
        (papers / "changed").write_text("other words")
        (papers / "gone").unlink()
        found = list(titled(away, rooms.store, "title"))
    assert found == [("read", "words read", "What was read")]


def test_an_anchor_asks_for_its_document_unless_that_repeats_the_question() -> None:
    found = from_anchors(
        [
            ("Doses were halved.", "Safe amounts for children"),
            ("HEAT  pumps in old houses: a survey", "Heat pumps in old houses"),
            ("something", "Too short"),
        ]
    )
    assert [(one.question, one.answer) for one in found] == [
        ("Safe amounts for children", "Doses were halved.")
    ]
    assert [len(one.judgments) for one in found] == [1]


def test_of_very_many_anchors_the_same_few_ask() -> None:
    rows = [(f"text {n}", f"question of number {n}") for n in range(ANCHORS + 50)]
    found = from_anchors(rows)
    assert len(found) == ANCHORS
    assert found == from_anchors(reversed(rows))


def test_a_line_of_a_file_that_nobody_has_judged_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "past.jsonl"
    file.write_text(
        '{"question": "one", "relevant": [], "asked": [3], "candidates": []}\n'
        '{"question": "two", "relevant": ["d1"], "asked": [4, 7]}\n'
    )
    assert read_golden(file) == [Golden("two", {"d1": 1}, asked=(4, 7))]
    for bad in ('{"question": "one", "relevant": []}', '{"question": "q", "relevant": [1]}'):
        file.write_text(bad)
        with pytest.raises(GoldenInvalid, match="line 1"):
            read_golden(file)
