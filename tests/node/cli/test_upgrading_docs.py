"""docs/upgrading-models.md walks an admin through: its commands run, in their order."""

import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from shutil import copy
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from node.cli.main import app
from node.operations.exit_codes import ExitCode
from tests.conftest import NewNode, Serving
from tests.node.collections.rooms import envelope
from tests.node.encoders.server import Server
from tests.node.encoders.server import serving as serving_embeddings

DOCUMENT = (Path(__file__).parents[3] / "docs" / "upgrading-models.md").read_text("utf-8")
WAYS = ("Over a bridge, at once", "From both versions", "Step by step")
"""Sections that begin anew, with a collection that the old model serves."""

COUNT = 90


def sections() -> dict[str, list[str]]:
    """The commands of each section, by its title."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^##+ ", DOCUMENT, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        blocks = re.findall(r"^```\n(.*?)^```", body, re.DOTALL | re.MULTILINE)
        lines = [line for block in blocks for line in block.splitlines()]
        found[title] = [line for line in lines if line.startswith("interlingua ")]
    return found


class Shell:
    """Runs command lines in one folder, on the node that serves."""

    def __init__(self, data: Path, model: Server) -> None:
        self._data, self._url = data, model.url

    async def run(self, line: str) -> dict[str, Any]:
        """Run one, confirm what it asks, and return its result."""
        line = line.replace("http://127.0.0.1:8081/v1", self._url)
        words = [*shlex.split(line)[1:], "--data", str(self._data), "--json", "--quiet"]
        done = await asyncio.to_thread(CliRunner().invoke, app, words, "y\n")
        expected = EXPECTED.get(" ".join(words[:2]), ExitCode.OK)
        assert done.exit_code == expected, (line, done.output)
        said = done.stdout[done.stdout.find("{") :]  # after what it asked, where it asked
        found: dict[str, Any] = json.loads(said or "{}")
        return found


EXPECTED = {"collection questions": ExitCode.USAGE}
"""Nobody agreed: this node has no partner to ask (tests/scenarios/test_past_questions.py)."""


def lines(file: str, *rows: dict[str, Any]) -> None:
    Path(file).write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_files() -> None:
    """What the admin of the document has."""
    word = [f"{letter}{number}" for number in range(40) for letter in "abcdefg"]
    said = [f"{word[n]} {word[n + 1]} {word[2 * n]} paper number{n}" for n in range(COUNT)]
    lines(
        "papers.jsonl",
        *(
            {"id": f"p{n}", "text": text, "metadata": {"title": f"{text} of title{n}"}}
            for n, text in enumerate(said)
        ),
    )
    lines("golden.jsonl", *({"question": said[n], "relevant": [f"p{n}"]} for n in range(12)))
    texts = (
        {"document": f"{one} anchor of words", "query": f"what of {one} asked"} for one in word
    )
    lines("public.jsonl", *texts)
    for name, model in (("envelope-1", "ours"), ("envelope-2", "ours-2")):
        Path(f"{name}.json").write_text(envelope(model=model, dimension=4).model_dump_json())
    np.save("vectors.npy", np.eye(4, dtype=np.float32))
    Path("shared").mkdir()
    Path("ids.txt").write_text("r0\nr1\nr2\nr3\n")


BEFORE = """
interlingua encoder add main --kind openai --url http://127.0.0.1:8081/v1 --model hashed
interlingua encoder add given --kind caller --envelope envelope-1.json
interlingua collection create papers --encoder main
interlingua collection ingest papers papers.jsonl
interlingua collection create rows --encoder given
interlingua collection ingest rows vectors.npy --ids ids.txt
interlingua anchors import public.jsonl --name public
interlingua anchors embed public --encoder main
interlingua anchors export public --encoder main --out shared
interlingua encoder add other --kind openai --url http://127.0.0.1:8081/v1 --model other
interlingua anchors embed public --encoder other
interlingua space create commons --anchors public --encoder main --encoder other --out shared
interlingua space join shared --encoder main
"""


@pytest.fixture
async def shell(
    new_node: NewNode, serving: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shell]:
    monkeypatch.chdir(tmp_path)
    write_files()
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(serving_embeddings())
        await stack.enter_async_context(serving(new_node))
        yield Shell(new_node.path, model)


async def test_the_commands_of_the_document_do_what_they_say_in_their_order(shell: Shell) -> None:
    for line in BEFORE.strip().splitlines():
        await shell.run(line)
    ran = 0
    for title, commands in sections().items():
        at = "papers"
        if title in WAYS:
            at = f"papers-{ran}"
            await shell.run(f"interlingua encoder add {at} --kind openai "
                            f"--url http://127.0.0.1:8081/v1 --model {at}")  # fmt: skip
            await shell.run(f"interlingua collection create {at} --encoder {at}")
            await shell.run(f"interlingua collection ingest {at} papers.jsonl")
        for line in commands:
            await shell.run(line.replace(" papers ", f" {at} "))
            ran += 1
            if "collection questions" in line:
                copy("golden.jsonl", "past.jsonl")  # what people have judged
        if title in WAYS:
            shown = await shell.run(f"interlingua catalog {at}")
            assert len(shown["under_way"]) == 1, title
            await shell.run(f"interlingua collection stop {at}")
    assert ran > 20
    shown = await shell.run("interlingua catalog papers")
    assert [one["state"] for one in shown["versions"]] == ["retired", "serving"]
