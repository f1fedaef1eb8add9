import json
from pathlib import Path

import pytest

from node.beir import BeirRefused
from node.spaces.anchor_files import read_anchors
from node.spaces.beir import read_beir
from node.spaces.errors import AnchorsRefused


def data_set(path: Path, texts: int = 250) -> Path:
    """Texts of which every second has a title, and the first fifty a question in train.tsv."""
    rows = [
        {"_id": f"d{n}", "title": f"Title {n}" if n % 2 else "", "text": f"Text {n}. It goes on."}
        for n in range(texts)
    ]
    write(path / "corpus.jsonl", rows)
    write(path / "queries.jsonl", [{"_id": f"q{n}", "text": f"question {n}"} for n in range(80)])
    (path / "qrels").mkdir()
    judged = "".join(f"q{n}\td{n}\t1\n" for n in range(50))
    (path / "qrels" / "train.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}q60\td60\t0\n")
    (path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq70\td70\t1\n")
    return path


def write(path: Path, rows: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_judged_questions_are_the_query_views_of_their_texts(tmp_path: Path) -> None:
    anchors = read_anchors(data_set(tmp_path))
    assert anchors.views == {"given": 50, "title": 100, "first-sentence": 100}
    found = {anchor.query: anchor.document for anchor in anchors.anchors}
    assert found["question 7"] == "Title 7. Text 7. It goes on."
    assert found["Title 71"] == "Text 71. It goes on."
    assert found["Text 60."] == "Text 60. It goes on."


def test_questions_for_testing_are_left_alone_where_there_are_others(tmp_path: Path) -> None:
    path = data_set(tmp_path)
    assert "question 70" not in {anchor.query for anchor in read_beir(path)}
    (path / "qrels" / "train.tsv").unlink()
    given = [anchor.query for anchor in read_beir(path) if anchor.view == "given"]
    assert given == ["question 70"]


def test_a_corpus_alone_is_a_set_too(tmp_path: Path) -> None:
    path = data_set(tmp_path)
    (path / "queries.jsonl").unlink()
    assert read_anchors(path, 200).views == {"title": 125, "first-sentence": 75}


@pytest.mark.parametrize(
    ("file", "line", "why"),
    [
        ("corpus.jsonl", '{"text": "no id"}', "line 251 of .*corpus.jsonl"),
        ("queries.jsonl", "[]", "line 81 of .*queries.jsonl"),
        ("qrels/train.tsv", "q1 d1 1", "line 53 of .*train.tsv"),
        ("qrels/train.tsv", "q1\td1\t\u00b2", "line 53 of .*train.tsv"),
        ("qrels/train.tsv", "q1\td1\t--1", "line 53 of .*train.tsv"),
        ("qrels/train.tsv", "q1\td1\t" + "9" * 5000, "line 53 of .*train.tsv"),
        ("qrels/train.tsv", "q\udcff\td1\t1", "line 53 of .*train.tsv"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, file: str, line: str, why: str) -> None:
    path = data_set(tmp_path)
    with (path / file).open("a", errors="surrogateescape") as lines:
        lines.write(line + "\n")
    with pytest.raises(BeirRefused, match=why):
        read_anchors(path)


def test_a_directory_without_a_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnchorsRefused, match="has no corpus"):
        read_anchors(tmp_path)
