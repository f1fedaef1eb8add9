"""`interlingua catalog COLLECTION`: a version in full, in lines that fit a screen."""

import pytest

from node.cli.catalog import COLUMNS, _in_full, _row
from node.cli.output import figures
from node.operations.register import AdapterInUse, CatalogLine, Quality
from tests.protocol.samples import envelope

SPACE = "sha256:" + 64 * "a"


def line_of_version() -> CatalogLine:
    """What the catalog says of a version with many names and figures."""
    kinds = ("ridge", "procrustes")
    return CatalogLine(
        collection="papers",
        version="v1",
        state="serving",
        answers=True,
        encoder="main",
        space=SPACE,
        envelope=envelope(revision="r1", probe=368 * "A"),
        adapters=tuple(AdapterInUse(space=SPACE, adapter=SPACE, kind=kind) for kind in kinds),
        documents=2,
        covered=2,
        chunks=2,
        by_uri=1,
        without_text=0,
        training_cutoff="2025-06",
        fine_tuning=None,
        created_at=0,
        events=(),
        quality=tuple(
            Quality(at=at, questions=20, figures={"ndcg_10": 0.5}, by=by)
            for at, by in ((0, "gate"), (9, "watch"), (10, "watch"))
        ),
    )


def test_a_version_in_full_fits_a_hundred_columns(capsys: pytest.CaptureFixture[str]) -> None:
    _in_full(line_of_version())
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 100
    assert "AAAA... (all: --json)" in told
    assert "ridge aaaaaaaa, procrustes aaaaaaaa" in told
    assert "1 texts kept, 1 read by URI, 0 documents without" in told
    assert "until       2025-06" in told
    assert told.count("20 golden questions, by the gate: ndcg_10 0.500") == 1
    assert told.count("20 golden questions, by the watch: ndcg_10 0.500") == 1


def test_the_table_fits_a_hundred_columns_and_says_adapter_and_quality(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    short = line_of_version()
    names = {"collection": 24 * "p", "encoder": 24 * "e", "state": "building"}
    long = short.model_copy(update={**names, "asked_over": "sha256:" + 64 * "b"})
    for shown in ([short], [short, long]):
        figures(COLUMNS, [_row(one) for one in shown])
        told = capsys.readouterr().out
        assert max(map(len, told.splitlines())) <= 100
        assert "ridge aaaaaaaa +1" in told
        assert "nDCG@10 0.500, by the watch" in " ".join(told.split())
    assert "bridge bbbbbbbb" in told
