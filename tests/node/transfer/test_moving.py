"""`collection export` and `import`: nothing is lost, nothing is taken on trust."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from node.cli.main import app
from tests.conftest import NewNode
from tests.node.encoders.server import Server, embed, serving

LONG = "A sentence of some seven plain words. " * 20


@pytest.fixture
async def model() -> AsyncIterator[Server]:
    async with serving() as server:
        yield server


async def run(*arguments: object) -> Result:
    line = [str(argument) for argument in arguments]
    return await asyncio.to_thread(CliRunner().invoke, app, [*line, "--quiet"])


async def told(*arguments: object) -> dict[str, Any]:
    result = await run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


async def test_a_collection_moves_and_is_the_same_on_the_other_side(
    new_node: NewNode, model: Server, tmp_path: Path
) -> None:
    here = ("--data", new_node.path)
    added = await told(
        "encoder", "add", "words", "--kind", "openai", "--url", model.url, "--model", "hashed",
        "--max-tokens", 20, "--training-cutoff", "2025-06", "--fine-tuning", "own notes", *here,
    )  # fmt: skip
    await told("collection", "create", "papers", "--encoder", "words", "--title", "Ours", *here)
    lines: list[dict[str, Any]] = [
        {"id": "a", "text": "short", "labels": ["public"], "uri": "file:///a"},
        {"id": "b", "text": LONG, "metadata": {"year": 2020}},
        {"id": "c", "text": "its own", "vector": added_vector(added)},
    ]
    file = tmp_path / "d.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    await told("collection", "ingest", "papers", file, *here)

    (version,) = (await told("catalog", *here))["versions"]
    assert (version["training_cutoff"], version["fine_tuning"]) == ("2025-06", "own notes")
    assert (version["by_uri"], version["without_text"]) == (0, 0)

    whole, bare = tmp_path / "whole.parquet", tmp_path / "bare.npy"
    written = await told("collection", "export", "papers", "--out", whole, "--with-sources", *here)
    assert (written["documents"], written["left_out"]) == (3, 0)
    assert written["vectors"] > 3
    await told("collection", "export", "papers", "--out", bare, *here)
    assert LONG[:30] not in bare.with_suffix(".jsonl").read_text()
    assert "file:///a" not in bare.with_suffix(".jsonl").read_text()
    leaves = (await told("audit", "search", "--type", "admin", *here))["leaves"]
    kinds = {leaf["fields"]["operation"]: leaf["fields"] for leaf in leaves}
    assert kinds["collection-export-with-sources"]["detail"] == written["seal"]
    assert kinds["collection-export"]["subject"] == "papers v1: 3 documents"

    # the model makes another vector of `its own` than the one that was given with it
    refused = await run("collection", "import", "copy", whole, *here)
    assert "Document 'c': encoder words makes another vector of its text" in refused.stderr
    row = np.array(embed("its own"))
    lines[2]["vector"] = (row / np.linalg.norm(row)).tolist()
    file.write_text("".join(json.dumps(one) + "\n" for one in lines))
    await told("collection", "ingest", "papers", file, *here)
    whole = tmp_path / "whole2.parquet"
    written = await told("collection", "export", "papers", "--out", whole, "--with-sources", *here)
    asked = len(model.texts)
    dry = await told("collection", "import", "copy", whole, "--dry-run", *here)
    assert (dry["probed"], dry["encoder"], dry["added"]) == (3, "words", 0)
    assert [one["name"] for one in (await told("collection", "list", *here))["collections"]] == [
        "papers"
    ]
    moved = await told("collection", "import", "copy", whole, *here)
    assert (moved["added"], moved["seal"]) == (3, written["seal"])
    assert moved["digest"] == written["digest"] != written["seal"]
    assert len(model.texts) - asked < 60  # probes and pieces; no document was encoded anew
    again = await told("collection", "import", "copy", whole, *here)
    assert (again["added"], again["unchanged"]) == (0, 3)
    same = await told("collection", "ingest", "copy", file, *here)
    assert same["unchanged"] == 3
    back = await told(
        "collection", "export", "copy", "--out", tmp_path / "back.npy", "--with-sources", *here
    )
    assert back["digest"] == written["digest"]
    assert back["seal"] != written["seal"]  # of another collection, at another time
    taken = await told(
        "collection", "import", "kept", bare, "--add-encoder", "given", "--json", *here
    )
    assert (taken["probed"], taken["enveloped"], taken["added"]) == (0, True, 3)
    assert taken["space"] == added["space"]
    again = await told("collection", "import", "kept", bare, "--add-encoder", "given", *here)
    assert (again["added"], again["unchanged"]) == (0, 3)  # as after a kill
    for how in (("--dry-run",), ("--add-encoder", "left")):
        misnamed = await run("collection", "import", "Bad Name", bare, *how, *here)
        assert "'Bad Name' cannot name a collection" in misnamed.stderr
    for name in ("", "Bad Name", "../words"):
        misnamed = await run("collection", "import", "x", bare, "--add-encoder", name, *here)
        assert f"{name!r} cannot name an encoder" in misnamed.stderr, misnamed.output
    names = [one["name"] for one in (await told("encoder", "list", *here))["encoders"]]
    assert names == ["given", "words"]  # no encoder of an import that could not be
    refused = await run("collection", "import", "x", bare, "--add-encoder", "words", *here)
    assert "Encoder words is there, and is not one of kind caller" in refused.stderr


def added_vector(added: dict[str, Any]) -> list[float]:
    """A vector of the encoder's width, of no text."""
    return [1.0] + [0.0] * (added["envelope"]["dimension"] - 1)
