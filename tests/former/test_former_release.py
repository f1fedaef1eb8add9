"""What former releases left is taken over whole, and they ask and are asked as before.

Fixtures were made by those releases' own code (make.py), and are never made again.
"""

import base64
import json
import secrets
import sqlite3
import tarfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from node.audit.errors import AuditError
from node.audit.fsck import fsck
from node.config_reading import parse_settings
from node.data_directory import DataDirectory
from node.federation.peer import Peer
from node.index.located import Located
from node.node import Node
from node.operations.errors import translate
from node.operations.register import Catalog, WantedVersions
from node.operations.register import catalog as list_versions
from node.operations.registry import silent
from node.passphrase import Passphrase
from node.room_error import RoomError
from node.witness.record import WitnessRecord
from protocol.accept_answer import RawAnswer, accept_answer
from protocol.accept_query import RawRequest
from protocol.answer_content import AcceptedAnswer, AnsweringPeer
from protocol.binding import Binding
from protocol.messages import Query
from protocol.profile import QUERY
from protocol.root import authority_of
from protocol.sign import SignedRequest, sign_request
from tests.scenarios.test_budgets import question
from tests.scenarios.world import DOCS, Time, vector
from tests.vectors.exchanges import answers, requests

HERE = Path(__file__).parent
RELEASES = sorted(path.name for path in HERE.iterdir() if (path / "exchange.json").exists())

pytestmark = pytest.mark.parametrize("release", RELEASES)


FIELDS_AND_KINDS = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": None})
"""Patterns are written for another engine of regular expressions than Python's."""


def exchange(release: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / release / "exchange.json").read_text())
    return found


@asynccontextmanager
async def opened(release: str, name: str, folder: Path) -> AsyncIterator[Node]:
    """A node on the data directory of a former release, at the time of its recorded exchange."""
    home = folder / name
    with tarfile.open(HERE / release / f"{name}.tar.xz") as tar:
        tar.extractall(home, filter="data")
    home.chmod(0o700)
    data, time = DataDirectory(home), Time()
    time.offset = exchange(release)["at"] - time()
    settings = parse_settings(data.config_file.read_text(), "interlingua.toml", environ={})
    async with AsyncExitStack() as opening:
        opening.enter_context(data.lock())
        yield await opening.enter_async_context(
            Node.opened(data, settings, passphrase=Passphrase(), clock=time, steady=time.steady)
        )


def recorded(release: str) -> tuple[RawRequest, RawAnswer]:
    """The question of the former lab and the answer of the former clinic, as they crossed."""
    said = exchange(release)

    def parts(message: dict[str, Any]) -> tuple[list[tuple[bytes, bytes]], bytes]:
        headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in message["headers"]]
        return headers, base64.b64decode(message["body"])

    headers, body = parts(said["question"])
    authority = next(value.decode() for key, value in headers if key.lower() == b"host")
    asked = RawRequest("POST", authority, said["question"]["path"], "", headers, body)
    return asked, RawAnswer(said["answer"]["status"], *parts(said["answer"]))


def answering(peer: Peer) -> AnsweringPeer:
    return AnsweringPeer(peer.root.ring, peer.card.log_origin, peer.root.log_terms)


def as_sent(raw: RawRequest, node: Node) -> SignedRequest:
    """A recorded request on its sender's side, from what a receiver reads of it."""
    from protocol.accept_query import ReceiverContext, accept

    receiver = ReceiverContext(
        organisation="clinic.example",
        authorities=frozenset([raw.authority]),
        sender_ring={"lab.example": node.identity.root.ring}.get,
    )
    accepted = accept(raw, receiver, node.clock())
    binding: Binding = accepted.binding
    return SignedRequest(
        binding, (), accepted.body, accepted.body_digest, accepted.created, accepted.expires
    )


def allowed(release: str, model: str, message: Any) -> None:
    """Fail where a former release would refuse a message for its fields."""
    schemas = json.loads((HERE / release / "schemas.json").read_text())
    FIELDS_AND_KINDS(schemas[model]).validate(message)


async def test_its_data_directory_is_taken_over_whole(release: str, tmp_path: Path) -> None:
    async with opened(release, "clinic", tmp_path) as node:
        await node.start()
        collection = node.collections.get(DOCS)
        assert collection.documents == 12
        found = await collection.serving.search(
            Located(collection.space_id, vector(0)[None]), 3, None
        )
        assert [collection.external_id(one.key) for one in found[0]] == [
            "clinic-0", "clinic-1", "clinic-2",
        ]  # fmt: skip
        listed = await list_versions(node, WantedVersions(), silent)
        assert isinstance(listed, Catalog)
        (version,) = listed.versions
        assert (version.state, version.covered, version.answers) == ("serving", 12, True)
        assert node.peers.get("lab.example").state == "active"
        assert len(node.policy.current.grants) == 1
        assert not fsck(node.data.log_file, silent).findings.total


FILES = ("store.db", "log.db", "content.db", "content_keys.db", "witness.db")
NOT_YET = {"eb5428d": {"content.db", "content_keys.db"}}
"""What a former release did not have; every other file is tried."""


async def test_what_a_later_release_wrote_is_refused_untouched(
    release: str, tmp_path: Path
) -> None:
    absent = set()
    for file in FILES:
        async with opened(release, "clinic", tmp_path / file) as node:
            path = node.data.path / file
            if file == "witness.db":  # made by the first log that it cosigns, and by none here
                WitnessRecord(path).latest("log.example", "none")
            if not path.exists():
                absent.add(file)
                continue
            with closing(sqlite3.connect(path)) as db, db:
                db.execute("PRAGMA user_version = 99")
                if file == "store.db":
                    db.execute("UPDATE schema_versions SET version = 99 WHERE room = 'data'")
            with pytest.raises(
                (RoomError, AuditError), match=r"schema (version )?99.*this release knows"
            ) as error:
                await node.start()
            assert "restore a backup" in translate(error.value).fix
    assert absent == NOT_YET.get(release, set())


async def test_it_asks_a_node_of_today(release: str, tmp_path: Path) -> None:
    asked, _ = recorded(release)
    async with opened(release, "clinic", tmp_path) as clinic:
        response = await clinic.responder.answer(asked, "test")
    assert response.status == 200
    payload = json.loads(response.body.partition(b"\n")[0])
    allowed(release, "Answer", payload)
    async with opened(release, "lab", tmp_path) as lab:
        sent = as_sent(asked, lab)
        headers = [(name.encode(), value.encode()) for name, value in response.headers]
        raw = RawAnswer(response.status, headers, response.body)
        peer = answering(lab.peers.get("clinic.example"))
        taken = accept_answer(sent, Query.parse(sent.body), raw, peer, lab.clock())
        assert isinstance(taken, AcceptedAnswer)


async def test_it_is_asked_by_a_node_of_today(release: str, tmp_path: Path) -> None:
    asked, answer = recorded(release)
    async with opened(release, "lab", tmp_path) as lab:
        sent = as_sent(asked, lab)
        peer = lab.peers.get("clinic.example")
        taken = accept_answer(sent, Query.parse(sent.body), answer, answering(peer), lab.clock())
        assert isinstance(taken, AcceptedAnswer)
        new = sign_request(
            QUERY, authority_of(peer.url), "lab.example", "clinic.example", question().encode(),
            lab.identity.signer("sign"), lab.clock(), secrets.token_bytes(16),
        )  # fmt: skip
    allowed(release, "Query", json.loads(new.body))
    now = {name.lower(): value for name, value in new.headers}
    before = {name.decode().lower(): value.decode() for name, value in asked.headers}
    assert now.keys() <= before.keys()
    covered = [one["signature-input"].partition(";created")[0] for one in (now, before)]
    assert covered[0] == covered[1]


def test_what_is_sent_today_has_no_field_that_it_refuses(release: str) -> None:
    accepted = [case["request"] for case in requests()["cases"] if case["code"] is None]
    for one in accepted:
        if one["path"].endswith("/query"):
            allowed(release, "Query", json.loads(base64.b64decode(one["body"])))
    for case in answers()["cases"]:
        if case["reason"] is None:
            payload = json.loads(base64.b64decode(case["body"]).partition(b"\n")[0])
            allowed(release, "Answer" if case["status"] == 200 else "Denial", payload)
    for file, model in (("cards.json", "Card"), ("roots.json", "RootDocument")):
        for case in json.loads((HERE.parent / "vectors" / file).read_text()):
            if case["outcome"] == "accepted":
                envelope = json.loads(case["raw"])
                padded = envelope["payload"] + "=" * (-len(envelope["payload"]) % 4)
                allowed(release, model, json.loads(base64.b64decode(padded)))
