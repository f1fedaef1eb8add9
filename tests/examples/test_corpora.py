import json
from pathlib import Path

import pytest

from examples.three_organisations import corpora
from examples.three_organisations.anchors import Anchor, Public, anchors, paragraphs, training_texts
from examples.three_organisations.docstrings import Docstring
from examples.three_organisations.organisations import ORGANISATIONS, named, private_documents
from examples.three_organisations.questions import QUESTIONS


def test_three_organisations_differ_in_name_collection_recipe_and_packages() -> None:
    assert len({o.name for o in ORGANISATIONS}) == 3
    assert len({o.collection for o in ORGANISATIONS}) == 3
    assert len({o.recipe for o in ORGANISATIONS}) == 3
    packages = [package for o in ORGANISATIONS for package in o.packages]
    assert len(packages) == len(set(packages))


def test_an_organisation_is_found_by_either_name() -> None:
    assert named("arrays") is named("arrays.example")
    with pytest.raises(KeyError):
        named("elsewhere.example")


def test_the_private_side_has_several_thousand_documents_and_no_question_is_one_s_summary() -> None:
    documents = [d for o in ORGANISATIONS for d in private_documents(o)]
    assert len(documents) > 4_000
    assert {"numpy.sin", "aiohttp.client.ClientSession"} <= {d.name for d in documents}
    assert not {d.summary for d in documents} & {question.text for question in QUESTIONS}


def test_an_anchor_has_two_different_views() -> None:
    public = [
        Docstring("shelf", "Open a shelf by its name. " + "A shelf is a persistent mapping. " * 4),
        Docstring("brief", "Open it by its name."),
    ]
    assert anchors(Public(public, [])) == [
        Anchor(
            document="shelf\n" + ("A shelf is a persistent mapping. " * 4).strip(),
            query="Open a shelf by its name.",
        )
    ]


def test_training_texts_hold_whole_docstrings_and_paragraphs_once() -> None:
    text = "one two three four five six\n\nshort"
    texts = training_texts(Public([Docstring("a", text), Docstring("b", text)], []))
    assert texts == [f"a\n{text}", "one two three four five six", f"b\n{text}"]


def test_scientific_texts_are_cut_for_training_and_sampled_for_anchors() -> None:
    science = [Docstring(f"s.f{n}", f"Compute the thing {n}.\n\n" + "x y " * 300) for n in range(4)]
    public = Public([], science)
    assert [len(text) for text in training_texts(public)] == [800] * 4
    assert [anchor.query for anchor in anchors(public)] == [
        "Compute the thing 0.",
        "Compute the thing 3.",
    ]


def test_paragraphs_are_single_lines() -> None:
    assert paragraphs("one two three\nfour five six\n\n\nshort one") == [
        "one two three four five six"
    ]


def test_a_name_that_comes_twice_gets_two_ids() -> None:
    lines = list(corpora.records([Docstring("p.f", "first"), Docstring("p.f", "second")]))
    assert [line["id"] for line in lines] == ["p.f", "p.f#2"]
    assert lines[0]["labels"] == ["p"]
    assert lines[1]["text"] == "p.f\nsecond"


def test_a_smaller_set_is_spread_over_the_whole() -> None:
    assert corpora.evenly(list(range(10)), 3) == [0, 3, 6]
    assert corpora.evenly([1, 2], 3) == [1, 2]
    assert corpora.evenly([1, 2], None) == [1, 2]


def test_written_lines_are_read_back(tmp_path: Path) -> None:
    corpora.write_lines(tmp_path / "x.jsonl", ({"text": t} for t in ("á", 'line\n"two"')))
    assert corpora.read_texts(tmp_path / "x.jsonl") == ["á", 'line\n"two"']
    assert json.loads((tmp_path / "x.jsonl").read_text().splitlines()[0]) == {"text": "á"}
