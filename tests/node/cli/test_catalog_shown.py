"""`interlingua catalog COLLECTION`: a version in full, in lines that fit a screen."""

import pytest

from node.cli.catalog import _in_full
from node.operations.register import AdapterInUse, CatalogLine, Quality
from tests.protocol.samples import envelope

SPACE = "sha256:" + 64 * "a"


def test_a_version_in_full_fits_a_hundred_columns(capsys: pytest.CaptureFixture[str]) -> None:
    kinds = ("ridge", "procrustes")
    one = CatalogLine(
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
        quality=tuple(Quality(at=at, questions=20, figures={"mrr": 0.5}) for at in (0, 9)),
    )
    _in_full(one)
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 100
    assert "AAAA... (all: --json)" in told
    assert "procrustes, ridge" in told
    assert "1 texts kept, 1 read by URI, 0 documents without" in told
    assert "until       2025-06" in told
    assert told.count("20 golden questions: mrr 0.500") == 1
