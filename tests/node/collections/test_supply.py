"""A collection whose vectors people compute changes its space by vectors that they give again."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from node.collections.errors import VersionIncomplete, VersionNotFit
from node.collections.supply import supply
from node.ingest.errors import BadRecord
from tests.node.cli.test_collection import Verb, told
from tests.node.cli.test_collection import verb as verb
from tests.node.collections.rooms import envelope, found_ids, opened, records, unseen, vectors
from tests.node.collections.test_migration import ADMIN, Log

COUNT = 300
WIDER = 24


async def test_a_version_answers_once_every_document_was_given_its_vector(tmp_path: Path) -> None:
    before, after = vectors(COUNT), vectors(COUNT, WIDER, seed=1)
    async with opened(tmp_path) as rooms:
        collection = await rooms.collection()
        await collection.ingest(records(before), COUNT, unseen)
        given = rooms.encoders.add("given", "caller", {}, envelope(dimension=WIDER))
        switching = collection.switching(Log().append)
        version = await switching.begin(given, 0, ADMIN)
        first = await supply(collection, version, records(after)[: COUNT // 2], unseen)
        assert (first.given, version.coverage().missing) == (COUNT // 2, COUNT // 2)
        with pytest.raises(VersionIncomplete):
            await switching.cut_over(version, ADMIN)
        with pytest.raises(BadRecord, match="16 components and the space has 24"):
            await supply(collection, version, records(before), unseen)
    async with opened(tmp_path) as rooms:  # it was cut off, and is repeated
        collection = rooms.collections.get("papers")
        (version,) = collection.standing.aside
        switching = collection.switching(Log().append)
        changed = records(vectors(COUNT, seed=2)[:10])
        own = [replace(one, space=collection.space_id) for one in changed]
        await collection.ingest(own, 10, unseen)
        again = await supply(collection, version, records(np.vstack([after, after[:5]])), unseen)
        assert (again.given, again.unchanged) == (COUNT // 2 + 10, COUNT // 2 - 10)
        assert (again.unknown, again.first_unknown[0]) == (5, f"d{COUNT}")
        other = await supply(collection, version, records(-after[:1]), unseen)
        assert (other.replaced, version.coverage().missing) == (1, 0)
        await supply(collection, version, records(after[:1]), unseen)
        await switching.complete(version, ADMIN)
        await switching.cut_over(version, ADMIN)
        assert await found_ids(collection, after[:40], 1) == [[f"d{n}"] for n in range(40)]
        with pytest.raises(VersionNotFit, match="answers questions"):
            await supply(collection, version, records(after), unseen)


@pytest.mark.parametrize("verb", ["stopped"], indirect=True)
async def test_the_command_names_what_is_missing_and_what_is_not_there(
    verb: Verb, tmp_path: Path
) -> None:
    for name, width in (("mine", 3), ("next", 4)):
        (tmp_path / "e.json").write_text(envelope(dimension=width).model_dump_json())
        await told(
            verb, "encoder", "add", name, "--kind", "caller", "--envelope", tmp_path / "e.json"
        )
        np.save(tmp_path / f"{name}.npy", np.eye(3, width, dtype="f4"))
    await told(verb, "collection", "create", "rows", "--encoder", "mine")
    (tmp_path / "ids").write_text("a\nb\nc\n")
    ids = ("--ids", tmp_path / "ids")
    await told(verb, "collection", "ingest", "rows", tmp_path / "mine.npy", *ids)
    refused = await verb("collection", "migrate", "rows", "--to", "next")
    assert "collection supply rows FILE --to next" in refused.stderr
    lines = [{"id": "a", "vector": [1, 0, 0, 0]}, {"id": "x", "vector": [1, 0, 0, 0]}]
    file = tmp_path / "v.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    partly = await verb("collection", "supply", "rows", file, "--to", "next", "--json")
    assert partly.exit_code == 4
    got = json.loads(partly.stdout)
    assert (got["given"], got["first_unknown"], got["missing"]) == (1, ["x"], ["b", "c"])
    whole = await told(
        verb, "collection", "supply", "rows", tmp_path / "next.npy", *ids, "--to", "next"
    )
    assert (whole["state"], whole["covered"], whole["missing"]) == ("shadow", 3, [])
    out = tmp_path / "moved.npy"
    await told(verb, "collection", "export", "rows", "--version", whole["version"], "--out", out)
    again = await told(verb, "collection", "supply", "rows", out, "--to", "next")
    assert again["unchanged"] == 3
    switched = await told(verb, "collection", "cutover", "rows")
    assert switched["encoder"] == "next"
