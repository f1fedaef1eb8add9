"""Data sets in BEIR's layout, as anchors and as what an evaluation judges by."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from node.beir import CORPUS, QRELS, QUERIES, BeirRefused
from node.evaluate.data_set import read as read_judged
from node.evaluate.errors import DataSetRefused
from node.spaces.beir import read_beir
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_bytes, changed_json
from tests.fuzz.target import Target

FILES = (CORPUS, QUERIES, f"{QRELS}/test.tsv")
BETWEEN = b"\0file\0"
"""Between the files of one data set."""


@cache
def valid() -> list[bytes]:
    """Two texts, and a question that the first of them answers."""
    texts = [{"_id": f"d{n}", "title": "", "text": f"text {n}"} for n in range(2)]
    corpus = "".join(json.dumps(row) + "\n" for row in texts).encode()
    asked = json.dumps({"_id": "q1", "text": "which text"}).encode()
    return [BETWEEN.join((corpus, asked, b"query-id\tcorpus-id\tscore\nq1\td0\t1\n"))]


def nearly(choices: Choices) -> bytes:
    """The data set with another line in one of its files."""
    files = valid()[0].split(BETWEEN)
    at = choices.below(len(files))
    lines = files[at].splitlines()
    number = choices.below(len(lines))
    if at < 2:
        changed = changed_json(json.loads(lines[number]), choices)
        lines[number] = json.dumps(changed).encode()
    else:
        lines[number] = changed_bytes(lines[number], choices, 2)
    files[at] = b"\n".join(lines)
    return BETWEEN.join(files)


def read(raw: bytes) -> None:
    """Read the files as anchors, then as judged questions; what there is no piece for is absent."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / QRELS).mkdir()
        for file, content in zip(FILES, raw.split(BETWEEN), strict=False):
            (folder / file).write_bytes(content)
        try:
            list(read_beir(folder))
        finally:
            read_judged(folder)


TARGET = Target(
    "beir",
    "a data set is read as anchors and to judge by, or BeirRefused or DataSetRefused",
    read,
    (BeirRefused, DataSetRefused),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
