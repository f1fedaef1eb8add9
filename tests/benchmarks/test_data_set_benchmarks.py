"""The benchmarks on judged collections still run, here on a few hundred made-up texts.

`probe_tolerance` and `demo_encoders` are not run: the one needs a downloaded model, the other fits
the demo's three models, which the demo's own tests do.
"""

import json
import random
from pathlib import Path

import pytest

from benchmarks.pages import END
from tests.benchmarks.test_benchmarks_run import printed

WORDS = [
    f"{a}{b}{c}" for a in ("ba", "de", "ki", "lo", "mu") for b in "rstnmpgvzx" for c in "aeiouy"
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set in BEIR's layout: question i is judged to be answered by document i."""
    made = random.Random(7)  # noqa: S311 - made-up texts, nothing secret
    texts = [" ".join(made.choices(WORDS, k=24)) for _ in range(230)]
    documents = [{"_id": f"d{i}", "title": "", "text": text} for i, text in enumerate(texts)]
    questions = [{"_id": f"q{i}", "text": texts[i][:60]} for i in range(4)]
    anchors = [{"document": text, "query": text[:40]} for text in texts]
    for name, rows in (("corpus", documents), ("queries", questions), ("anchors", anchors)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines)
    (tmp_path / "qrels").mkdir()
    judged = "".join(f"q{i}\td{i}\t1\n" for i in range(4))
    (tmp_path / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}")
    return tmp_path


def test_what_the_cap_of_a_merge_costs(data: Path) -> None:
    pytest.importorskip("sklearn", reason="the extra demo is not installed")
    lines = printed("merge_cap", str(data)).splitlines()
    assert "a liar" in lines[0]
    assert len(lines) == 1 + 3 * 2 * 4
    assert {line.split()[0] for line in lines[1:]} == {"2", "3", "5"}


def test_meaning_between_models(data: Path) -> None:
    pytest.importorskip("sklearn", reason="the extra demo is not installed")
    models = ("--encoder", "sklearn-word:24", "--encoder", "sklearn-char:16")
    files = ("--data", str(data), "--anchors", str(data / "anchors.jsonl"), "--cache", str(data))
    begin = "<!-- written by benchmarks.meaning -->"
    (data / "README.md").write_text(f"before\n{begin}\n{END}\nafter\n")
    said = printed("meaning", *models, *files, "--seeds", "1", "--out", str(data))
    assert (data / "README.md").read_text() == f"before\n{begin}\n\n{said}\n{END}\nafter\n"
    report = json.loads((data / "meaning.json").read_text())
    assert [size["anchors"] for size in report["sizes"]] == [230]
    assert {pair["asker"] for pair in report["sizes"][0]["pairs"]} == set(report["models"])
    assert {merge["split"] for merge in report["merges"]} == {"random", "topic"}
    assert "| sklearn-word:24 -> sklearn-char:16 |" in said


def test_what_a_partner_takes_out_of_texts(data: Path) -> None:
    pytest.importorskip("sklearn", reason="the extra demo is not installed")
    texts = ("--data", str(data), "--encoder", "sklearn-word:24", "--seeds", "1")
    cases = ("--only", "probes max_k = 10", "--only", "bins the default", "--json")
    said = printed("extraction", *texts, *cases, "--enumerate", "4,40", "--reconstruct", "40")
    enumerated, reconstructed = json.loads(said)["runs"]
    assert enumerated["values"][0] <= enumerated["values"][1] <= 1
    assert -1 <= reconstructed["values"][0] <= 1
