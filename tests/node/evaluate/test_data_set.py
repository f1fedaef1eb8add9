"""Reading BEIR's layout: all that is there, and an error with file and line for what is not."""

import shutil
from pathlib import Path

import pytest

from node.beir import BeirRefused
from node.evaluate.data_set import read
from node.evaluate.errors import DataSetRefused

HOUSEHOLD = Path(__file__).with_name("household")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(HOUSEHOLD, tmp_path / "household")


def test_a_data_set_is_read_whole_and_what_cannot_be_judged_is_counted() -> None:
    data = read(HOUSEHOLD)
    assert (len(data.documents), len(data.questions)) == (30, 12)
    assert data.documents["sea-1"].startswith("Spring tides At new and full moon")
    assert data.judgments["q1"] == {"bread-4": 2, "bread-3": 1}
    assert data.metadata["sea-1"] == {"shelf": "sea"}
    assert data.left_out == ("1 questions without a relevant document left out",)


def test_judgments_of_what_is_not_there_are_left_out_and_counted(folder: Path) -> None:
    with (folder / "qrels" / "test.tsv").open("a") as judged:
        judged.write("q1\tnowhere\t1\nnobody\tsea-1\t1\n")
    assert any(line.startswith("2 judgments") for line in read(folder).left_out)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("corpus.jsonl", None, "there is no"),
        ("queries.jsonl", "", "is empty"),
        ("corpus.jsonl", '{"_id": "1", "text": "a"}\nnot json\n', "line 2"),
        ("corpus.jsonl", '{"_id": "1"}\n', "line 1"),
        ("corpus.jsonl", '{"_id": "1", "text": "a"}\n{"_id": "1", "text": "b"}\n', "line 2"),
        ("corpus.jsonl", b"\xff\xfe", "not UTF-8"),
        ("qrels/test.tsv", "q1\tsea-1\t1\n", "does not begin with"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tsea-1\tmuch\n", "line 2"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\tsea-1\t0\n", "no question"),
    ],
)
def test_a_bad_data_set_is_refused_with_its_file_and_line(
    folder: Path, file: str, text: str | bytes | None, says: str
) -> None:
    path = folder / file
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises((BeirRefused, DataSetRefused), match=says) as refused:
        read(folder)
    assert Path(file).name in str(refused.value)
    assert refused.value.fix


def test_another_part_of_the_judgments_is_named(folder: Path) -> None:
    with pytest.raises(BeirRefused, match="qrels/ has test"):
        read(folder, "dev")
