"""`interlingua adapter compare` on two members' files: the table, the figures, the pictures."""

import importlib.util
import sys
from pathlib import Path
from typing import Literal

import pytest
from typer.testing import CliRunner, Result

from node.cli.main import app
from node.evaluate.compared import Comparison, Curve
from node.evaluate.pictures import draw
from node.spaces.anchor_set import as_jsonl
from tests.node.spaces.consortium import anchor_set, members

ONE, OTHER, _ = members()

needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None,
    reason="matplotlib is not installed: it comes with the extra plot",
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    (folder / "public.jsonl").write_bytes(b"".join(as_jsonl(anchor_set())))
    (folder / "one").write_bytes(ONE.encoded)
    (folder / "other").write_bytes(OTHER.encoded)
    return folder


def run(files: Path, *arguments: object) -> Result:
    line = ["adapter", "compare", files / "one", files / "other", "--anchors",
            files / "public.jsonl", *arguments]  # fmt: skip
    return CliRunner().invoke(app, list(map(str, line)))


@pytest.fixture(scope="module")
def compared(files: Path) -> Comparison:
    done = run(files, "--json", "--quiet")
    assert done.exit_code == 0, done.output
    return Comparison.model_validate_json(done.stdout)


def test_every_kind_stands_beside_baselines_and_natives(compared: Comparison) -> None:
    there, back = compared.pairs
    assert (there.asker, there.responder) == (back.responder, back.asker)
    for pair in compared.pairs:
        routes = {each.route: each for each in pair.routes}
        assert {"identity", "mean", "hub procrustes>ridge"} <= set(routes)
        (chosen,) = (each for each in pair.routes if each.role == "chosen")
        assert all(set(each.figures) == {"mrr", "ndcg_10", "recall_10", "overlap_10"}
                   for each in pair.routes)  # fmt: skip
        for baseline in ("identity", "mean"):
            assert chosen.figures["mrr"].value > routes[baseline].figures["mrr"].value + 0.3
        assert chosen.figures["mrr"].value <= pair.natives["responder"]["mrr"].value + 0.1
        assert len(pair.picture.overlaps) == pair.held_out
        assert pair.curve is None, "481 anchors are too few to halve"


def test_people_get_the_table(files: Path) -> None:
    shown = run(files).stdout
    assert "hub procrustes>ridge " not in shown or "hub procrustes>procrustes " not in shown
    whole = run(files, "--all").stdout
    assert "hub procrustes>ridge" in whole
    assert "hub procrustes>procrustes" in whole
    for word in ("MRR CHOOSING", "OVERLAP@10", "(baseline)", "responder's own model", "fitted in"):
        assert word in shown


@needs_matplotlib
@pytest.mark.parametrize(("kind", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_pictures_are_written(
    compared: Comparison, tmp_path: Path, kind: Literal["svg", "png"], begins: bytes
) -> None:
    pair = compared.pairs[0]
    mrr = pair.routes[0].figures["mrr"]
    curve = Curve(anchors=(250, 500), mrr=(mrr, mrr), doubled=mrr)
    written = draw(pair.model_copy(update={"curve": curve}), tmp_path, kind)
    assert sorted(written) == sorted(tmp_path.iterdir())
    assert len(written) == 3
    assert all(path.read_bytes().startswith(begins) for path in written)


@needs_matplotlib
def test_a_curve_that_cannot_be_drawn_is_said_to_be_missing(files: Path, tmp_path: Path) -> None:
    done = run(files, "--plot", tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.count("no learning curve is drawn") == 2
    assert len(list(tmp_path.iterdir())) == 4


def test_without_matplotlib_the_extra_is_named(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    done = run(files, "--plot", tmp_path / "pictures")
    assert done.exit_code == 2
    assert "interlingua[plot]" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["one", "two"], "a shared space is one"), (["a", "--anchors", "public.jsonl"], "two are")],
)
def test_what_is_missing_is_said(files: Path, arguments: list[str], says: str) -> None:
    line = [str(files / each) if each.endswith("jsonl") else each for each in arguments]
    done = CliRunner().invoke(app, ["adapter", "compare", *line])
    assert done.exit_code == 2
    assert says in done.stderr
