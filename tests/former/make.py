"""Make the fixtures of a release, with the code of that release.

    cd CHECKOUT_OF_THE_RELEASE && PYTHONPATH=. python .../tests/former/make.py .../tests/former/NAME

What is kept: `clinic.tar.xz` and `lab.tar.xz`, data directories of two paired nodes, each after
some questions, answers and an acknowledgement (their keys are nobody's); `exchange.json`, a further
question of the lab and the clinic's answer as they were on the wire; `schemas.json`, what that
release reads (it refuses unknown fields). The rule of this file: only what older releases have too.
"""

import asyncio
import base64
import importlib
import io
import json
import pkgutil
import socket
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import protocol
from protocol.notation import WireModel
from tests.scenarios.middleman import Message, middleman
from tests.scenarios.world import World, documents, grant, pair

LEFT_OUT = ("indexes", "admin.sock", "lock", "listeners.json")


def told(message: Message) -> dict[str, Any]:
    """A message as JSON."""
    return {
        "path": message.line,
        "status": message.status,
        "headers": [[k.decode("latin-1"), v.decode("latin-1")] for k, v in message.headers],
        "body": base64.b64encode(message.body).decode(),
    }


def packed(folder: Path) -> bytes:
    """A data directory as a tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz", preset=9) as tar:
        for path in sorted(folder.rglob("*")):
            if not set(path.relative_to(folder).parts) & set(LEFT_OUT):
                tar.add(path, path.relative_to(folder), recursive=False)
    return out.getvalue()


def schemas() -> dict[str, Any]:
    """The JSON schema of every message and document that crosses between organisations."""
    for module in pkgutil.iter_modules(protocol.__path__):
        importlib.import_module(f"protocol.{module.name}")
    found, open_ = {}, list(WireModel.__subclasses__())
    while open_:
        model = open_.pop()
        open_ += model.__subclasses__()
        if not model.__name__.startswith("_"):
            found[model.__name__] = model.model_json_schema()
    return dict(sorted(found.items()))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def make(out: Path) -> None:
    """Play the exchange and keep what it leaves."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        async with middleman(_free_port()) as between:
            lab = await world.organisation("lab.example", documents("lab"))
            clinic = await world.organisation(
                "clinic.example", documents("clinic"), url=between.url
            )
            between.target = f"http://127.0.0.1:{clinic.node.settings.federation.port}"
            await pair(lab, clinic)
            await clinic.grant(grant("lab.example"))
            for topic in (0, 1):
                assert (await lab.ask_one(topic)).state == "ok"
            await world.close()
            for one in (lab, clinic):
                name = one.name.partition(".")[0]
                (out / f"{name}.tar.xz").write_bytes(packed(one.node.data.path))
            world.organisations.clear()
            clinic, lab = [await world.serve(one.node.data) for one in (clinic, lab)]
            before = len(between.requests)
            assert (await lab.ask_one(0)).state == "ok"
            passed = zip(between.requests[before:], between.answers[before:], strict=False)
            question, answer = next(
                (asked, told) for asked, told in passed if asked.line == "/federation/v1/query"
            )
            exchange = {"at": world.time(), "question": told(question), "answer": told(answer)}
            (out / "exchange.json").write_text(json.dumps(exchange, indent=1) + "\n")
            await world.close()
    (out / "schemas.json").write_text(
        json.dumps(schemas(), separators=(",", ":"), sort_keys=True) + "\n"
    )


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(make(target))
