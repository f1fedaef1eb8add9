"""`interlingua anchors` and `space`, on a node that is stopped and on one that serves."""

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
from node.spaces.anchor_set import as_jsonl
from tests.conftest import NewNode, Serving
from tests.node.spaces.consortium import anchor_set, members

Verb = Callable[..., Awaitable[Result]]
OWN, OTHER, THIRD = members()


@pytest.fixture(params=["stopped", "running"])
async def verb(
    request: pytest.FixtureRequest, new_node: NewNode, serving: Serving
) -> AsyncIterator[Verb]:
    async def run(*arguments: object) -> Result:
        line = [*map(str, arguments), "--data", str(new_node.path), "--quiet"]
        return await asyncio.to_thread(CliRunner().invoke, app, line)

    async with AsyncExitStack() as stack:
        if request.param == "running":
            await stack.enter_async_context(serving(new_node))
        yield run


async def told(verb: Verb, *arguments: object) -> dict[str, Any]:
    result = await verb(*arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """What a person has at hand: anchors, own vectors of them, other members' files."""
    (tmp_path / "anchors.jsonl").write_bytes(b"".join(as_jsonl(anchor_set())))
    (tmp_path / "envelope.json").write_text(OWN.envelope.model_dump_json(exclude_none=True))
    np.save(tmp_path / "d.npy", OWN.document)
    np.save(tmp_path / "q.npy", OWN.query)
    for name, each in (("other", OTHER), ("third", THIRD)):
        (tmp_path / f"{name}.safetensors").write_bytes(each.encoded)
    return tmp_path


async def embedded(verb: Verb, files: Path) -> dict[str, Any]:
    await told(verb, "encoder", "add", "own", "--kind", "caller", "--envelope",
               files / "envelope.json")  # fmt: skip
    imported = await told(verb, "anchors", "import", files / "anchors.jsonl", "--name", "public")
    assert imported["set_id"] == anchor_set().set_id
    texts = files / "texts.jsonl"
    await told(verb, "anchors", "texts", "public", "--out", texts)
    assert texts.read_bytes() == b"".join(as_jsonl(anchor_set()))
    return await told(
        verb, "anchors", "embed", "public", "--encoder", "own", "--documents", files / "d.npy",
        "--queries", files / "q.npy",
    )  # fmt: skip


async def test_from_public_texts_to_measured_routes(verb: Verb, files: Path) -> None:
    made = await embedded(verb, files)
    assert (made["texts"], made["empty"], made["dimension"]) == (600, 0, 16)
    shared = files / "shared"  # a folder that nobody has made yet, by any of the three
    exported = await told(
        verb, "anchors", "export", "public", "--encoder", "own", "--out", f"{shared}/"
    )
    assert exported["digest"] == made["digest"]
    (out,) = shared.iterdir()
    assert out.stat().st_size > 600 * 16 * 8
    published = await told(
        verb, "anchors", "publish", "public", "--source", "ours", "--licence", "CC0-1.0",
        "--out", files / "described",
    )  # fmt: skip
    assert Path(published["manifest"]).parent == files / "described"
    (listed,) = (await told(verb, "anchors", "list"))["sets"]
    assert (listed["name"], listed["encoders"]) == ("public", ["own"])

    created = await told(
        verb, "space", "create", "commons", "--anchors", "public", "--encoder", "own", "--member",
        files / "other.safetensors", "--consensus", "procrustes", "--out", files / "made",
    )  # fmt: skip
    assert (created["dimension"], len(created["founders"])) == (24, 2)
    joined = await told(
        verb, "space", "join", created["manifest"], "--encoder", "own", "--member",
        files / "other.safetensors", "--member", files / "third.safetensors",
    )  # fmt: skip
    assert joined["founder"]
    assert joined["consensus_checked"]
    assert (created["method"], joined["method"]) == ("procrustes", "procrustes")
    assert joined["members"] == ["b.example", "c.example", "clinic.example"]
    assert len(joined["routes"]) == 4
    assert all(row["mrr"]["value"] > row["identity"]["value"] + 0.3 for row in joined["routes"])
    listed = await told(verb, "space", "list")
    assert listed["spaces"] == [joined]
    assert (await told(verb, "space", "show", "commons"))["spaces"] == [joined]
    compared = await told(verb, "adapter", "compare", "commons")
    assert [(pair["asker"], pair["responder"]) for pair in compared["pairs"]] == [
        (row["asker"], row["responder"]) for row in joined["routes"]
    ]
    left = await told(verb, "space", "leave", "commons", "--encoder", "own")
    assert left["natives"] == [OWN.space_id]
    assert (await told(verb, "space", "list"))["spaces"] == []


async def test_people_see_a_table_with_the_natives_beside_each_route(
    verb: Verb, files: Path
) -> None:
    await embedded(verb, files)
    line = ("space", "create", "commons", "--anchors", "public", "--encoder", "own", "--member",
            files / "other.safetensors", "--out", files, "--join")  # fmt: skip
    waits = await verb(*line, "--threshold", "2")
    assert waits.exit_code == 2, "others must sign first"
    shown = await verb(*line)  # founded, joined, measured and on the card in one go
    assert shown.exit_code == 0, shown.output
    for column in ("MRR", "OVERLAP@10", "NOTHING", "MEAN", "ASKER'S OWN", "RESPONDER'S OWN"):
        assert column in shown.stdout
    assert "not quality" in shown.stdout
    assert "clinic.example" in (await verb("space", "list")).stdout
    assert "commons" in (await verb("space", "show", "commons")).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("anchors", "embed", "nothing", "--encoder", "own"), 1, "no anchor set"),
        (("anchors", "embed", "public", "--encoder", "own"), 1, "--documents"),
        (("anchors", "embed", "public", "--encoder", "own", "--queries", "x"), 2, "both"),
        (("anchors", "export", "public", "--encoder", "own", "--out", "x"), 1, "not been embedded"),
        (("space", "show", "nowhere"), 1, "No shared space"),
        (("space", "leave", "nowhere"), 1, "No shared space"),
        (("space", "join", "no-file.json", "--encoder", "own"), 2, "does not exist"),
        (("space", "create", "one", "--anchors", "public"), 6, "at least two"),
    ],
)
async def test_what_cannot_be_done_is_said(
    verb: Verb, files: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    await told(verb, "encoder", "add", "own", "--kind", "caller", "--envelope",
               files / "envelope.json")  # fmt: skip
    await told(verb, "anchors", "import", files / "anchors.jsonl", "--name", "public")
    result = await verb(*arguments)
    assert says in result.output
    assert result.exit_code == code


async def test_the_doctor_names_a_space_that_cannot_be_used(files: Path, new_node: NewNode) -> None:
    async def verb(*arguments: object) -> Result:
        line = [*map(str, arguments), "--data", str(new_node.path), "--quiet"]
        return await asyncio.to_thread(CliRunner().invoke, app, line)

    await embedded(verb, files)
    await told(verb, "space", "create", "commons", "--anchors", "public", "--encoder", "own",
               "--member", files / "other.safetensors", "--out", files)  # fmt: skip
    await told(verb, "space", "join", files / "commons.space.json", "--encoder", "own")
    assert "space-damaged" not in (await verb("doctor")).output
    for adapter in new_node.data.adapters.iterdir():
        adapter.write_bytes(b"")
    assert "space-damaged" in (await verb("doctor", "--json")).output
    assert "cannot be used" in (await verb("space", "list", "--json")).output
