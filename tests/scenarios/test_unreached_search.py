"""What is refused never reaches the search: every changed request over real HTTP, with a spy on it.

The tables are those of the published vectors (`tests/vectors/requests.json`), so the receiver is
the vectors' hospital: its name, its authority and its clock. After every request: no search, no
debit, no answer, and the code that the tables name.
"""

from __future__ import annotations

import asyncio
import base64
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from node.collections.version import Version
from node.federation.event_leaves import peer_appender
from node.ingest.record import Record
from node.operations.registry import silent
from protocol.accept_query import RawRequest
from protocol.envelope import Envelope
from protocol.leaf import Answered, Denied, new_salt
from protocol.limits import NONCE_BYTES
from protocol.messages import Query
from protocol.vectors import Vectors, encode
from tests.node.federation.party import WORDS, Party
from tests.protocol.exchange import (
    AT,
    AUTHORITY,
    CLINIC,
    CLINIC_SIGN,
    ENVELOPE,
    HOSPITAL,
    question,
    received,
    signed,
)
from tests.protocol.request_changes import CHANGED, MALFORMED, SIGNATURE_FORM, SIGNED
from tests.scenarios.ports import free_port
from tests.scenarios.world import Organisation, Time, World, grant

ANY_REQUEST = CHANGED | MALFORMED | SIGNATURE_FORM | SIGNED
SAME_OVER_HTTP = {"@authority in upper case", "a padded value"}
"""RFC 9110: a host has no case, and spaces around a field's value are not part of it."""

NO_HTTP = {"@method in lower case", "a line break", "one long value that is not read"}
"""What the HTTP parser refuses by itself."""

REFUSED = {
    name: (change, "malformed-http" if name in NO_HTTP else str(code))
    for name, (change, code) in ANY_REQUEST.items()
    if name not in SAME_OVER_HTTP
}

_CODE = re.compile(rb'"code":"([a-z-]+)"')


class VectorsTime(Time):
    """The clock of the published vectors."""

    def __call__(self) -> int:
        return AT + self.offset


@dataclass
class Reached:
    """The hospital of the vectors, and how often its search was called."""

    world: World
    hospital: Organisation
    searches: list[int] = field(default_factory=list)

    async def send(self, raw: RawRequest) -> tuple[int, str]:
        """Send a request as bytes; the status and the code that came back."""
        target = raw.path + (f"?{raw.query}" if raw.query else "")
        own = [(b"Host", raw.authority.encode()), (b"Connection", b"close")]
        own.append((b"Content-Length", str(len(raw.body)).encode()))
        fields = [*own, *((n, v) for n, v in raw.headers if n.lower() != b"host")]
        head = b"".join(b"%b: %b\r\n" % one for one in fields)
        port = self.hospital.node.settings.federation.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(f"{raw.method} {target} HTTP/1.1\r\n".encode() + head + b"\r\n")
            writer.write(raw.body)
            answer = await reader.read()
        except ConnectionError:  # refused while a large body was still being sent
            return 413, "too-large"
        finally:
            writer.close()
        found = _CODE.search(answer)
        return int(answer.split(b" ", 2)[1]), found[1].decode() if found else ""

    async def ask(self, query: Query | None = None) -> tuple[int, str]:
        """Send an honest clinic's request: a fresh nonce, rightly signed."""
        body = (query or question(id=new_salt())).encode()
        request = signed(body, nonce=secrets.token_bytes(NONCE_BYTES), at=self.world.time())
        return await self.send(received(request))

    def spent(self) -> int:
        """What was debited from the clinic."""
        return self.hospital.node.log.spent(CLINIC, "papers", AT // 86_400)


@pytest.fixture
async def reached(world: World, monkeypatch: pytest.MonkeyPatch) -> Reached:
    world.time = VectorsTime()
    hospital = await world.organisation(HOSPITAL, space=ENVELOPE, url=f"https://{AUTHORITY}")
    papers = await hospital.node.collections.create("papers", "given", title="Papers")
    records = [
        Record(id=f"p{n}", where="", text="x", vector=row, labels=frozenset({"open"}))
        for n, row in enumerate(np.eye(4, dtype=np.float32))
    ]
    await papers.ingest(records, len(records), silent)
    clinic = Party(CLINIC, f"http://127.0.0.1:{free_port()}", keys={"sign": CLINIC_SIGN})
    root = clinic.root(at=AT)
    known = clinic.record().model_copy(
        update={
            "root": clinic.signed_root(root).decode(),
            "card": clinic.signed_card(clinic.card(at=AT, root=root)).decode(),
            "reach": "loopback",
        }
    )
    append = peer_appender(hospital.node.log, world.time, None)
    await hospital.node.peers.add(known, append)
    await hospital.node.peers.approve(CLINIC, WORDS, AT, append)
    await hospital.grant(
        grant(CLINIC, collection="papers", purposes=["clinical-research"], rate=100_000)
    )
    made = Reached(world, hospital)
    search = Version.search

    async def watched(self: Version, *given: Any, **named: Any) -> Any:
        made.searches.append(1)
        return await search(self, *given, **named)

    monkeypatch.setattr(Version, "search", watched)
    return made


async def test_no_changed_request_reaches_the_search(reached: Reached) -> None:
    said = {
        name: await reached.send(change(received(signed())))
        for name, (change, _) in REFUSED.items()
    }
    assert reached.searches == []
    assert {name: code for name, (_, code) in said.items()} == {
        name: code for name, (_, code) in REFUSED.items()
    }
    assert {status // 100 for status, _ in said.values()} == {4}
    assert reached.hospital.leaves(Answered) == []
    assert reached.hospital.leaves(Denied) == []
    assert reached.spent() == 0
    # the same request, unchanged, is answered: nothing but the changes was refused
    assert (await reached.send(received(signed())))[0] == 200
    assert (len(reached.searches), reached.spent()) == (1, 1)


@pytest.mark.parametrize("name", sorted(SAME_OVER_HTTP))
async def test_what_http_says_is_the_same_request_is_answered(reached: Reached, name: str) -> None:
    change, _ = ANY_REQUEST[name]
    assert (await reached.send(change(received(signed()))))[0] == 200


async def test_a_replayed_request_does_not_reach_the_search(reached: Reached) -> None:
    assert (await reached.send(received(signed())))[0] == 200
    for _ in range(3):
        assert await reached.send(received(signed())) == (409, "replayed")
    # nor with another question under the same nonce
    other = signed(question(id=new_salt()).encode())
    assert await reached.send(received(other)) == (409, "replayed")
    assert (len(reached.searches), reached.spent()) == (1, 1)


@pytest.mark.parametrize(
    ("verb", "expected"),
    [("pause", (403, "peer-inactive")), ("revoke", (401, "not-authenticated"))],
)
async def test_a_partner_that_is_not_active_does_not_reach_the_search(
    reached: Reached, verb: str, expected: tuple[int, str]
) -> None:
    await reached.hospital.change(verb, CLINIC)
    assert await reached.ask() == expected
    assert await reached.send(received(signed())) == expected
    assert reached.searches == []
    assert reached.spent() == 0
    assert reached.hospital.leaves(Answered) == []


def of_components(*components: float) -> Callable[[], Query]:
    """A question whose vector has these components, whatever they are."""
    data = base64.b64encode(np.array(components, "<f4").tobytes()).decode()
    vectors = Vectors.model_construct(n=1, d=len(components), dtype="float32", data=data)
    return lambda: question(id=new_salt(), vectors=vectors)


MEANINGLESS: dict[str, tuple[Callable[[], Query], str]] = {
    "not a number": (of_components(0.5, float("nan"), 0.5, 0.5), "vectors-invalid"),
    "infinite": (of_components(float("inf"), 0.0, 0.0, 0.0), "vectors-invalid"),
    "minus infinite": (of_components(0.0, float("-inf"), 0.0, 0.0), "vectors-invalid"),
    "zero": (of_components(0.0, 0.0, 0.0, 0.0), "vectors-invalid"),
    "not of length one": (of_components(2.0, 0.0, 0.0, 0.0), "vectors-invalid"),
    "too few components": (of_components(1.0, 0.0, 0.0), "vectors-invalid"),
    "too many components": (of_components(1.0, 0.0, 0.0, 0.0, 0.0), "vectors-invalid"),
    "a batch with one zero row": (
        lambda: question(
            id=new_salt(),
            vectors=Vectors(
                n=2, d=4, dtype="float32",
                data=base64.b64encode(np.eye(4, dtype="<f4")[0].tobytes() + bytes(16)).decode(),
            ),
        ),
        "vectors-invalid",
    ),
    "another envelope's space": (
        lambda: question(id=new_salt(), space="sha256:" + "0" * 64),
        "envelope-invalid",
    ),
    "an envelope of another model": (
        lambda: _of_envelope(model="other"),
        "space-not-accepted",
    ),
    "an envelope of another dimension": (
        lambda: _of_envelope(dimension=3, components=3),
        "space-not-accepted",
    ),
}  # fmt: skip


def _of_envelope(components: int = 4, **changes: Any) -> Query:
    envelope = Envelope.model_validate(ENVELOPE.model_dump() | changes)
    rows = encode(np.eye(components, dtype=np.float32)[:1])
    return question(id=new_salt(), envelope=envelope, space=envelope.space_id, vectors=rows)


@pytest.mark.parametrize("name", MEANINGLESS)
async def test_a_signed_question_that_means_nothing_does_not_reach_the_search(
    reached: Reached, name: str
) -> None:
    make, code = MEANINGLESS[name]
    status, said = await reached.ask(make())
    assert (400 <= status < 500, said) == (True, code)
    assert reached.searches == []
    assert reached.spent() == 0
    (denied,) = reached.hospital.leaves(Denied)
    assert (denied.reason, denied.charged) == (code, 0)
    assert await reached.ask() == (200, "")
    assert (len(reached.searches), reached.spent()) == (1, 1)
