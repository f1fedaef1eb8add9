"""An import that is killed, or that a full disk ends: the same command goes on to the same end."""

import json
import random
import signal
import sqlite3
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from node.cli.main import app
from node.ingest.plan import BATCH_DOCUMENTS
from node.operations.exit_codes import ExitCode
from tests.conftest import NewNode
from tests.node.transfer.importer import ended
from tests.node.transfer.samples import head, plain, write

COUNT = 1_800
KILLS = 2
FIRST = 320_000
"""Bytes that hold a new log's first leaves and the first of seven batches of documents."""
MORE = 70_000, 140_000
"""At least and at most so many bytes further each later attempt comes: one or two batches."""


def largest(data: Path) -> int:
    """Bytes of the largest file."""
    return max(path.stat().st_size for path in data.rglob("*") if path.is_file())


def told(*line: object) -> dict[str, Any]:
    result = CliRunner().invoke(app, [*map(str, line), "--json", "--quiet"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def stored(data: Path) -> int:
    """How many documents lie in store.db, judged by SQLite itself."""
    with sqlite3.connect(f"file:{data / 'store.db'}?mode=ro", uri=True) as db:
        (count,) = db.execute("SELECT count(*) FROM documents").fetchone()
        (whole,) = db.execute("SELECT count(DISTINCT document) FROM chunks").fetchone()
    assert count == whole
    return int(count)


def test_killed_and_on_a_full_disk_an_import_goes_on_to_the_same_end(
    new_node: NewNode, tmp_path: Path
) -> None:
    source, said, data = tmp_path / "c.npy", tmp_path / "said", new_node.path
    end = write(source, head(), plain(COUNT))
    told("collection", "list", "--data", data)  # makes store.db
    chance = random.Random(7)  # noqa: S311 - chooses the moments of the kills
    parts, most = [0], FIRST
    for _ in range(KILLS):
        assert ended(data, source, said, most, killed=True) == -signal.SIGXFSZ, said.read_text()
        parts.append(stored(data))
        assert parts[-1] % BATCH_DOCUMENTS == 0  # whole batches
        most = largest(data) + chance.randrange(*MORE)
    assert parts == sorted(parts)
    assert 0 < parts[1] < COUNT

    code = ended(data, source, said, most, killed=False)
    refused, kept = " ".join(said.read_text().split()), stored(data)
    assert code == ExitCode.PARTIAL, refused
    assert "store.db cannot be written" in refused
    assert "Make room on the disk" in refused
    assert parts[-1] <= kept < COUNT

    last = told("collection", "import", "copy", source, "--add-encoder", "given", "--data", data)
    assert (last["unchanged"], last["added"]) == (kept, COUNT - kept)
    back = told("collection", "export", "copy", "--out", tmp_path / "back.npy", "--data", data)
    assert (back["documents"], back["digest"]) == (COUNT, end.digest)
    verified = told("audit", "verify", "--data", data)
    assert verified["verdict"]
    leaves = told("audit", "search", "--type", "admin", "--data", data)["leaves"]
    fields = [leaf["fields"] for leaf in leaves]
    assert [one["operation"] for one in fields].count("encoder-add") == 1
    imports = [one["detail"] for one in fields if one["operation"] == "collection-import"]
    assert imports == [end.seal] * (KILLS + 2)  # each before its first document
