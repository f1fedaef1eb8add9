"""Importing from the databases that people have: what they hold comes, and what it is is shown."""

import json
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from tests.conftest import NewNode
from tests.node.encoders.server import WIDTH, Server, embed, serving
from tests.node.transfer import peers
from tests.node.transfer.test_moving import run, told

COUNT = 600
COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"


def text(number: int) -> str:
    return f"paper number {number} of thing{number}"


def unit(number: int) -> list[float]:
    row = np.array(embed(text(number)))
    return [float(part) for part in row / np.linalg.norm(row)]


@pytest.fixture
async def model() -> AsyncIterator[Server]:
    async with serving() as server:
        yield server


async def encoders(model: Server, *here: object) -> None:
    """An encoder whose vectors the database holds, and one of another prompt."""
    for name, prompt in (("words", ""), ("other", "this is a passage of a text ")):
        await told(
            "encoder", "add", name, "--kind", "openai", "--url", model.url, "--model", "hashed",
            "--document-prompt", prompt, *here,
        )  # fmt: skip


async def test_a_table_of_pgvector_comes_in_as_the_space_that_it_is_shown_to_be(
    new_node: NewNode, model: Server
) -> None:
    here = ("--data", new_node.path)
    with peers.postgres() as uri:
        with psycopg.connect(uri, autocommit=True) as db:
            db.execute("CREATE EXTENSION vector")
            db.execute("CREATE SCHEMA s")
            db.execute(
                f'CREATE TABLE s."Items" (id int, body text, v vector({WIDTH}), about jsonb)'
            )
            rows = [(n, text(n), str(unit(n)), json.dumps({"n": n})) for n in range(COUNT)]
            with db.cursor() as cursor:
                cursor.executemany('INSERT INTO s."Items" VALUES (%s, %s, %s, %s)', rows)
            db.execute('CREATE INDEX ON s."Items" USING hnsw (v vector_cosine_ops)')
        await encoders(model, *here)
        named: list[object] = [
            uri, "--table", "s.Items", "--id-column", "id", "--vector-column", "v",
        ]  # fmt: skip
        texts = ["--text-column", "body", "--metadata-column", "about"]
        unproved = await run("collection", "import", "legacy", *named, "--encoder", "words", *here)
        assert "Nothing shows that these vectors are of that encoder" in unproved.stderr
        wrong = await run("collection", "import", "x", *named, *texts, "--encoder", "other", *here)
        assert "makes another vector of its text" in wrong.stderr
        forced = await run(
            "collection", "import", "x", *named, *texts, "--encoder", "other", "--force", *here
        )
        assert forced.exit_code != 0  # what a check found wrong is never forced
        got = await told(
            "collection", "import", "legacy", *named, *texts, "--encoder", "words", *here
        )
        assert (got["added"], got["probed"], got["enveloped"]) == (COUNT, 16, False)
        bare = await told(
            "collection", "import", "bare", *named, "--encoder", "words", "--force", *here
        )
        assert (bare["added"], bare["probed"]) == (COUNT, 0)
        absent = await run(
            "collection", "import", "y", *named[:-1], "nothing", "--encoder", "words", *here
        )
        assert "PostgreSQL refused: column" in absent.stderr
    leaves = (await told("audit", "search", "--type", "admin", *here))["leaves"]
    kinds = [leaf["fields"]["operation"] for leaf in leaves]
    assert kinds.count("collection-import-unproved") == 1


async def test_a_collection_of_chroma_comes_in_page_by_page(
    new_node: NewNode, model: Server, tmp_path: Path
) -> None:
    here = ("--data", new_node.path)
    with peers.chroma(tmp_path) as url:
        made = _post(url + COLLECTIONS, {"name": "items"})
        sent = {
            "ids": [f"d{n}" for n in range(COUNT)],
            "embeddings": [unit(n) for n in range(COUNT)],
            "documents": [text(n) for n in range(COUNT)],
            "metadatas": [{"n": n} for n in range(COUNT)],
        }
        _post(f"{url}{COLLECTIONS}/{made['id']}/add", sent)
        await encoders(model, *here)
        named = (url, "--chroma-collection", "items", "--encoder", "words")
        got = await told("collection", "import", "legacy", *named, *here)
        assert (got["added"], got["probed"]) == (COUNT, 16)
        again = await told("collection", "import", "legacy", *named, *here)
        assert again["unchanged"] == COUNT
        absent = await run(
            "collection", "import", "y", url, "--chroma-collection", "n", "--encoder", "words",
            *here,
        )  # fmt: skip
        assert "Chroma answered 404" in absent.stderr


async def test_a_password_on_the_command_line_is_refused_unread(new_node: NewNode) -> None:
    refused = await run(
        "collection", "import", "x", "postgresql://me:secret@127.0.0.1/db", "--table", "t",
        "--id-column", "i", "--vector-column", "v", "--encoder", "e", "--data", new_node.path,
    )  # fmt: skip
    assert "holds a password" in refused.stderr
    assert "secret" not in refused.stderr


def _post(url: str, sent: dict[str, Any]) -> Any:
    request = urllib.request.Request(  # noqa: S310 - an address of this test
        url, json.dumps(sent).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - an address of this test
        return json.load(answer)
