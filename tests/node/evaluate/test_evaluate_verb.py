"""`interlingua evaluate` on a small judged data set of our own, with two models behind servers."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from node.cli.main import app
from node.evaluate.data_set import read
from node.evaluate.report import Evaluation
from tests.conftest import NewNode
from tests.node.encoders.server import Server, embed, serving
from tests.node.spaces.consortium import members

HOUSEHOLD = Path(__file__).with_name("household")
WIDTH = 40


def wider(_: int, body: dict[str, Any]) -> web.StreamResponse:
    """Another model of the same words: each word's place turned, stretched and shifted."""
    turn = np.random.default_rng(9).normal(size=(24, WIDTH))
    rows = [np.array(embed(text)) @ turn + 0.5 for text in body["input"]]
    data = [{"embedding": row.tolist(), "index": at} for at, row in enumerate(rows)]
    return web.json_response({"object": "list", "data": data})


@pytest.fixture
async def servers() -> AsyncIterator[tuple[Server, Server]]:
    async with serving() as one, serving() as other:
        other.misbehave = wider
        yield one, other


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    """Texts of the same words in another order: other things are said with them."""
    words = " ".join(read(HOUSEHOLD).documents.values()).split()
    rng = np.random.default_rng(4)
    texts = [" ".join(rng.choice(words, size=12)) for _ in range(220)]
    texts.append(read(HOUSEHOLD).documents["sea-1"])
    path = tmp_path / "anchors.jsonl"
    rows = ({"document": text, "query": " ".join(text.split()[:7])} for text in texts)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


async def run(*arguments: object) -> Result:
    line = ["evaluate", *map(str, arguments)]
    return await asyncio.to_thread(CliRunner().invoke, app, line)


def specs(servers: tuple[Server, Server]) -> list[str]:
    one, other = servers
    return ["--encoder", f"openai:{one.url}#narrow", "--encoder", f"openai:{other.url}#wide"]


async def test_natives_routes_and_merges_are_judged_without_a_node(
    servers: tuple[Server, Server], anchors: Path, tmp_path: Path
) -> None:
    out, cache = tmp_path / "out", tmp_path / "cache"
    arguments = (HOUSEHOLD, "--anchors", anchors, *specs(servers), "--silos", 3, "--split",
                 "field:shelf", "--split", "random", "--cache", cache, "--out", out)  # fmt: skip
    done = await run(*arguments, "--json", "--quiet", "--data", tmp_path / "nowhere")
    assert done.exit_code == 0, done.output
    found = Evaluation.model_validate_json(done.stdout)
    assert (found.documents, found.questions, found.known_texts) == (30, 12, 1)
    assert [each.model for each in found.natives] == ["narrow", "wide"]
    natives = {each.model: each.figures["ndcg_10"].value for each in found.natives}
    assert min(natives.values()) > 0.4
    chosen = [each for each in found.routes if each.role == "chosen"]
    assert {(each.asker, each.responder) for each in chosen} == {
        ("narrow", "wide"),
        ("wide", "narrow"),
    }
    nothing = {each.asker: each for each in found.routes if each.route == "identity"}
    for each in chosen:
        assert each.figures["ndcg_10"].value > nothing[each.asker].figures["ndcg_10"].value
        assert each.promised_overlap_10 is not None
        lost = each.figures["ndcg_10"].value - natives[each.responder]
        assert each.against_responder.value == pytest.approx(lost)
    assert [each.documents for each in found.splits] == [(10, 10, 10), (10, 10, 10)]
    assert found.splits[0].models == ("narrow", "wide", "narrow")
    assert {each.asker for each in found.merges} == {"narrow", "wide", "all askers"}
    for row in found.merges:
        assert row.method != "rrf" or row.against_rrf.value == 0
    fewer = {(each.split, each.asked, each.chosen) for each in found.selections}
    assert fewer == {
        (each, number, how)
        for each in ("field:shelf", "random")
        for number, how in ((2, "all"), (1, "any"), (1, "best"))
    }, "twelve questions are too few to learn from"
    assert json.loads((out / "evaluation.json").read_text()) == json.loads(done.stdout)

    asked = len(servers[0].calls)
    again = await run(*arguments)
    assert again.exit_code == 0, again.output
    assert len(servers[0].calls) == asked + 1, "texts are encoded once, and the model is probed"
    assert "OVERLAP@10" not in again.stdout, "what is not needed to choose is shown with --all"
    whole = await run(*arguments, "--all")
    for title in (
        "NDCG@10",
        "RECALL@100",
        "MRR",
        "OVERLAP@10",
        "MERGED BY",
        "ASKING FEWER SILOS",
        "OF ONE INDEX",
        "1 of the anchors",
    ):
        assert title.lower() in whole.stdout.lower()
        assert title.lower() in (out / "evaluation.md").read_text().lower()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--encoder", "openai:http://127.0.0.1:9/v1#a"], "at least two models"),
        (["--encoder", "a:b", "--encoder", "c:d"], "specifies no encoder"),
        (["--encoder", "openai:x#y", "--encoder", "openai:x#y"], "given more than once"),
        (["--encoder", "openai:x#y", "--encoder", "openai:x#z"], "url"),
        # before any model is asked
        (["--encoder", "openai:x#y", "--encoder", "openai:x#z", "--split", "x"], "way to split"),
        (["--encoder", "openai:x#y", "--encoder", "openai:x#z", "--split", "field:x"], "no field"),
    ],
)
async def test_what_cannot_be_evaluated_is_said_with_what_to_do(
    anchors: Path, arguments: list[str], says: str
) -> None:
    done = await run(HOUSEHOLD, "--anchors", anchors, *arguments, "--quiet")
    assert done.exit_code == 2, done.output
    assert says in done.stderr
    assert "fix: " in done.stderr


async def test_a_folder_without_a_data_set_is_said(tmp_path: Path, anchors: Path) -> None:
    done = await run(tmp_path, "--anchors", anchors, "--encoder", "a", "--encoder", "b")
    assert done.exit_code == 2
    assert "corpus.jsonl" in done.stderr


async def test_an_encoder_of_the_node_is_taken_by_its_name(
    new_node: NewNode, tmp_path: Path, anchors: Path
) -> None:
    """Found in the stopped node; that its vectors are the caller's is only known there."""
    node = ("--data", new_node.path, "--quiet")
    for name, member in zip(("own", "second"), members(), strict=False):
        envelope = tmp_path / f"{name}.json"
        envelope.write_text(member.envelope.model_dump_json(exclude_none=True))
        line = ("encoder", "add", name, "--kind", "caller", "--envelope", envelope, *node)
        added = await asyncio.to_thread(CliRunner().invoke, app, list(map(str, line)))
        assert added.exit_code == 0, added.output
    both = ("--encoder", "own", "--encoder", "second")
    done = await run(HOUSEHOLD, "--anchors", anchors, *both, *node)
    assert done.exit_code != 0
    assert "stands for vectors that you compute" in done.stderr
    unknown = await run(HOUSEHOLD, "--anchors", anchors, *both[:3], "other", *node)
    assert "no encoder 'other'" in unknown.stderr
