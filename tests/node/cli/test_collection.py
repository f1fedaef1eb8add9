"""`interlingua collection` and `encoder`, on a node that is stopped and on one that serves."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from node.cli.main import app
from node.ingest.plan import BATCH_DOCUMENTS
from node.operations.exit_codes import ExitCode
from tests.conftest import NewNode, Serving
from tests.node.collections.rooms import envelope
from tests.node.encoders.server import WIDTH, Server
from tests.node.encoders.server import serving as serving_embeddings

Verb = Callable[..., Awaitable[Result]]


@pytest.fixture(params=["stopped", "running"])
async def verb(
    request: pytest.FixtureRequest, new_node: NewNode, serving: Serving
) -> AsyncIterator[Verb]:
    async def run(*arguments: object, stdin: str | None = None) -> Result:
        line = [str(argument) for argument in arguments]
        line += ["--data", str(new_node.path), "--quiet"]
        return await asyncio.to_thread(CliRunner().invoke, app, line, stdin)

    async with AsyncExitStack() as stack:
        if request.param == "running":
            await stack.enter_async_context(serving(new_node))
        yield run


@pytest.fixture
async def model() -> AsyncIterator[Server]:
    async with serving_embeddings() as server:
        yield server


async def told(verb: Verb, *arguments: object, stdin: str | None = None) -> dict[str, Any]:
    result = await verb(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def jsonl(path: Path, *documents: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return path


async def test_from_an_empty_node_to_a_compacted_collection(
    verb: Verb, model: Server, tmp_path: Path
) -> None:
    encoder = await told(
        verb, "encoder", "add", "words", "--kind", "openai", "--url", model.url, "--model",
        "hashed", "--document-prompt", "passage: ", "--max-tokens", 20, "--revision", "r1",
    )  # fmt: skip
    assert (encoder["envelope"]["dimension"], encoder["envelope"]["revision"]) == (WIDTH, "r1")
    tested = await told(verb, "encoder", "test", "words", "--text", "a b", "--text", "a b")
    assert (tested["sketch_distance"], tested["same_model"]) == (0.0, True)
    assert tested["cosines"] == [[1.0, 1.0], [1.0, 1.0]]
    created = await told(
        verb, "collection", "create", "papers", "--encoder", "words", "--title", "Our papers"
    )
    assert (created["space"], created["documents"]) == (encoder["space"], 0)

    long_text = "A sentence of some seven plain words. " * 20
    file = jsonl(
        tmp_path / "docs.jsonl",
        {"id": "a", "text": "short", "labels": ["public"]},
        {"id": "b", "text": long_text, "metadata": {"year": 2020}},
    )
    ingested = await told(verb, "collection", "ingest", "papers", file)
    assert (ingested["added"], ingested["documents"]) == (2, 2)
    assert ingested["chunks"] > 2
    assert all(text.startswith("passage: ") for text in model.texts)
    again = await told(verb, "collection", "ingest", "papers", "-", stdin=file.read_text())
    assert (again["added"], again["unchanged"], again["chunks"]) == (0, 2, 0)

    info = await told(verb, "collection", "info", "papers")
    assert (info["documents"], info["labels"], info["title"]) == (2, {"public": 1}, "Our papers")
    assert info["rows"] + info["delta_rows"] == ingested["chunks"]
    listed = await told(verb, "collection", "list")
    assert [one["name"] for one in listed["collections"]] == ["papers"]
    partly = await verb("collection", "delete", "papers", "a", "nobody", "--json")
    assert partly.exit_code == ExitCode.PARTIAL
    deleted = json.loads(partly.stdout)
    assert (deleted["deleted"], deleted["missing"]) == (1, 1)
    compacted = await told(verb, "collection", "compact", "papers")
    assert compacted["rows"] == ingested["chunks"] - 1
    dropped = await told(verb, "collection", "drop", "papers", "--yes")
    assert dropped["documents"] == 1
    await told(verb, "encoder", "remove", "words")
    assert await told(verb, "encoder", "list") == {"encoders": []}
    shown = (await told(verb, "audit", "search", "--type", "collection"))["leaves"]
    assert [(leaf["fields"]["event"], leaf["fields"]["documents"]) for leaf in shown] == [
        ("dropped", 1), ("compacted", 1), ("documents-deleted", 1), ("ingested", 2), ("created", 0),
    ]  # fmt: skip


async def test_what_an_ingestion_refuses_names_line_cause_and_fix(
    verb: Verb, model: Server, tmp_path: Path
) -> None:
    await told(
        verb, "encoder", "add", "words", "--kind", "openai", "--url", model.url, "--model",
        "hashed", "--max-tokens", 8,
    )  # fmt: skip
    await told(verb, "collection", "create", "papers", "--encoder", "words")
    good = {"id": "a", "text": "short"}
    book = {"id": "b", "text": "so many words " * 20_000}
    for bad, says, fix in (
        (book, "makes ", "index.max_pieces"),
        ({"id": "a", "text": "other"}, "stands in line 1 already", "an id of its own"),
        ({"text": "no id"}, "id is missing", "Correct the file"),
        ({"id": "c", "vector": [0.0] * WIDTH}, "is zero", "Compute that vector again"),
    ):
        refused = await verb("collection", "ingest", "papers", jsonl(tmp_path / "d", good, bad))
        assert refused.exit_code == 2
        cause, advice = refused.stderr.splitlines()[-2:]
        assert cause.startswith(f"error: {tmp_path / 'd'}:2: ")
        assert says in cause
        assert advice.startswith("fix: ")
        assert fix in advice


async def test_a_new_encoder_and_texts_that_may_leave_for_an_external_server_leave_leaves(
    verb: Verb, model: Server
) -> None:
    added = await told(
        verb, "encoder", "add", "far", "--kind", "openai", "--url", model.url, "--model",
        "hashed", "--allow-external",
    )  # fmt: skip
    await told(verb, "encoder", "remove", "far")
    leaves = (await told(verb, "audit", "search", "--type", "admin"))["leaves"]
    fields = {leaf["fields"]["operation"]: leaf["fields"] for leaf in leaves}
    assert fields.keys() == {"encoder-add", "encoder-allow-external", "encoder-remove"}
    assert fields["encoder-add"]["subject"] == "far"
    assert fields["encoder-add"]["detail"] == fields["encoder-remove"]["detail"] == added["space"]


async def test_what_stands_before_a_fault_is_stored_and_counted(
    verb: Verb, model: Server, tmp_path: Path
) -> None:
    await told(
        verb, "encoder", "add", "words", "--kind", "openai", "--url", model.url, "--model", "hashed"
    )
    await told(verb, "collection", "create", "papers", "--encoder", "words")
    good = [{"id": str(n), "text": f"document {n}"} for n in range(BATCH_DOCUMENTS + 1)]
    file = jsonl(tmp_path / "d", *good, {"text": "no id"})
    stopped = await verb("collection", "ingest", "papers", file)
    assert stopped.exit_code == ExitCode.PARTIAL
    assert f":{len(good) + 1}: " in stopped.stderr
    assert f"The {BATCH_DOCUMENTS} documents before it are stored." in stopped.stderr
    assert "what is stored already is passed over" in stopped.stderr
    again = await told(verb, "collection", "ingest", "papers", jsonl(file, *good))
    assert (again["added"], again["unchanged"]) == (1, BATCH_DOCUMENTS)


async def test_own_vectors_come_with_an_envelope(verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(envelope(dimension=3).model_dump_json())
    np.save(tmp_path / "v.npy", np.eye(3, dtype="f4"))
    (tmp_path / "ids").write_text("a\nb\nc\n")
    await told(
        verb, "encoder", "add", "mine", "--kind", "caller", "--envelope", tmp_path / "e.json"
    )
    await told(verb, "collection", "create", "rows", "--encoder", "mine")
    ingested = await told(
        verb, "collection", "ingest", "rows", tmp_path / "v.npy", "--ids", tmp_path / "ids",
        "--label", "public",
    )  # fmt: skip
    assert ingested["added"] == 3
    shown = await verb("encoder", "show", "mine", "--envelope-to", tmp_path / "copy.json")
    assert shown.exit_code == 0
    assert json.loads((tmp_path / "copy.json").read_text())["dimension"] == 3
    failed = await verb("encoder", "test", "mine", "--json")
    assert (failed.exit_code, json.loads(failed.stdout)["problem"]["status"]) == (2, 400)


async def test_what_is_wrong_is_said_with_its_place(verb: Verb, tmp_path: Path) -> None:
    missing = await verb("collection", "info", "nothing")
    assert missing.exit_code == 1
    assert "There is no collection 'nothing'" in missing.stderr
    (tmp_path / "e.json").write_text(envelope(dimension=2).model_dump_json())
    await verb("encoder", "add", "e", "--kind", "caller", "--envelope", tmp_path / "e.json")
    await verb("collection", "create", "c", "--encoder", "e")
    file = jsonl(tmp_path / "d.jsonl", {"id": "a", "vector": [1, 0]}, {"id": "b", "vector": [1]})
    bad = await verb("collection", "ingest", "c", file)
    assert bad.exit_code == 2
    assert f"{file}:2: vector: vectors have 1 components and the space has 2" in bad.stderr
    exists = await verb("collection", "create", "c", "--encoder", "e", "--json")
    assert json.loads(exists.stdout)["problem"]["status"] == 409
    refused = await verb("encoder", "remove", "e")
    assert "Drop the collection first" in refused.stderr
    asked = await verb("collection", "drop", "c", stdin="n\n")
    assert asked.exit_code != 0
    assert (await told(verb, "collection", "list"))["collections"][0]["documents"] == 0


async def test_results_for_people(verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(envelope(dimension=2).model_dump_json())
    await verb("encoder", "add", "e", "--kind", "caller", "--envelope", tmp_path / "e.json")
    await verb("collection", "create", "c", "--encoder", "e")
    file = jsonl(tmp_path / "d.jsonl", {"id": "a", "vector": [1, 0], "labels": ["x"]})
    shown = await verb("collection", "ingest", "c", file)
    assert shown.stdout == (
        "1 added, 0 updated, 0 unchanged; 1 vectors written; 1 documents in c\n"
    )
    assert "1 beside it" in (await verb("collection", "info", "c")).stdout
    assert "c     1          e        2" in (await verb("collection", "list")).stdout
    assert "sha256:" in (await verb("encoder", "show", "e")).stdout
