"""Keys of running nodes: replaced without one failed question, withdrawn from everybody at once."""

import asyncio
import json
import secrets
from pathlib import Path

import pytest
from typer.testing import CliRunner

from keys.keyfile import KeyFileMissing, read_key
from keys.signer import Signer
from node.cli.main import app
from node.federation.ask import SiloStatus
from node.operations.audit import verify_directory
from node.operations.keys import KeyList, Revoke, RootChanged, Rotate
from node.operations.peers import NamedPeer, PeerRefreshed
from node.operations.registry import NoRequest, silent
from protocol.announcement import ANNOUNCE_PATH, Announcement
from protocol.leaf import Answered, PeerChanged
from protocol.limits import CLOCK_SKEW_S
from protocol.profile import OFFERS
from protocol.root import authority_of
from protocol.root_draft import sign_draft
from protocol.sign import sign_request
from tests.scenarios.conftest import Pair, Watched
from tests.scenarios.held_search import held_search
from tests.scenarios.middleman import Message
from tests.scenarios.world import Organisation, documents, grant, pair

DAY_S = 86_400
ASKERS = 3


async def rotated(one: Organisation, purpose: str, **fields: object) -> RootChanged:
    request = Rotate.model_validate({"purpose": purpose, **fields})
    return await one.do("key.rotate", request, RootChanged)


async def revoked(one: Organisation, purpose: str) -> tuple[str, RootChanged]:
    listed = await one.do("key.list", NoRequest(), KeyList)
    (kid,) = [k.kid for k in listed.keys if (k.purpose, k.state) == (purpose, "in use")]
    return kid, await one.do("key.revoke", Revoke(kid=kid, reason="stolen"), RootChanged)


def version_at(holder: Organisation, owner: Organisation) -> int:
    return holder.node.peers.get(owner.name).root.version


async def thief_asks(paired: Pair, stolen: Signer) -> int:
    """The status of a request that somebody signs with a key of the lab."""
    clinic = paired.clinic.node
    signed = sign_request(
        OFFERS,
        authority_of(paired.clinic.url),
        "lab.example",
        "clinic.example",
        b"",
        stolen,
        paired.world.time(),
        secrets.token_bytes(16),
    )
    raw = await paired.lab.node.client.exchange(
        paired.clinic.url + signed.path,
        paired.lab.node.peers.get("clinic.example").transport,
        signed.method,
        signed.headers,
        None,
        deadline_s=5,
        max_bytes=1 << 20,
    )
    assert clinic.peers.is_active("lab.example")
    return raw.status


class Load:
    """Questions of a lab, several at a time; they pause while the clock is moved."""

    def __init__(self, paired: Pair) -> None:
        self._paired = paired
        self._turn = asyncio.Semaphore(ASKERS)
        self._enough = asyncio.Condition()
        self.statuses: list[SiloStatus] = []

    async def run(self) -> None:
        """Ask until cancelled."""
        await asyncio.gather(*(self._ask() for _ in range(ASKERS)))

    async def go_on(self) -> None:
        """Wait for a few more answers."""
        wanted = len(self.statuses) + 2 * ASKERS
        async with self._enough:
            await self._enough.wait_for(lambda: len(self.statuses) >= wanted)

    async def a_day_passes(self) -> None:
        """Move the clock, while no question is under way, and let both nodes keep house."""
        for _ in range(ASKERS):
            await self._turn.acquire()
        self._paired.world.time.offset += DAY_S
        for _ in range(ASKERS):
            self._turn.release()
        for one in (self._paired.lab, self._paired.clinic):
            await one.node.renew()

    async def _ask(self) -> None:
        while True:
            async with self._turn:
                self.statuses.append(await self._paired.lab.ask_one())
            async with self._enough:
                self._enough.notify_all()


async def test_partners_are_told_of_a_new_key_at_once(paired: Pair) -> None:
    changed = await rotated(paired.clinic, "sign")
    assert (changed.told, changed.untold) == (("lab.example",), ())
    await paired.lab.node.announcements.close()
    assert version_at(paired.lab, paired.clinic) == 2
    noted = paired.lab.leaves(PeerChanged)[-1]
    assert (noted.peer, noted.root_version) == ("clinic.example", 2)


async def test_a_stolen_key_is_refused_as_soon_as_it_is_revoked(paired: Pair) -> None:
    stolen = paired.lab.node.identity.signer("sign")
    assert await thief_asks(paired, stolen) == 200
    kid, changed = await revoked(paired.lab, "sign")
    assert kid == stolen.kid
    assert changed.told == ("clinic.example",)
    assert await thief_asks(paired, stolen) == 401
    assert (await paired.lab.ask_one()).state == "ok"


async def test_a_revocation_that_was_not_announced_is_seen_by_the_next_fetch(
    watched: Watched,
) -> None:
    async def no_announcements(message: Message) -> Message:
        if ANNOUNCE_PATH in message.line:
            raise ConnectionError
        return message

    stolen = watched.clinic.node.identity.signer("sign")
    watched.lab.node.announcer.changed()
    changed = (await revoked(watched.clinic, "sign"))[1]
    assert changed.told == ("lab.example",)  # the lab is reached without the middleman
    watched.between.on_request = no_announcements
    _, unheard = await revoked(watched.lab, "sign")
    assert unheard.untold == ("clinic.example",)
    assert version_at(watched.clinic, watched.lab) == 1
    refreshed = NamedPeer(organisation="lab.example")
    await watched.clinic.do("peer.refresh", refreshed, PeerRefreshed)
    assert version_at(watched.clinic, watched.lab) == 2
    assert stolen.kid in watched.clinic.node.identity.root.ring.revocations
    assert (await watched.lab.ask_one()).state == "ok"


async def test_an_answer_under_way_is_signed_with_the_key_that_replaces_a_revoked_one(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paired.lab.ask()
    with held_search(paired.clinic, monkeypatch) as gate:
        question = asyncio.create_task(paired.lab.ask_one())
        await gate.reached_by(question)
        await revoked(paired.clinic, "sign")
        gate.opened.set()
        assert (await question).state == "ok"


async def test_a_question_under_way_is_not_answered_once_its_key_is_revoked(
    paired: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paired.lab.ask()
    with held_search(paired.clinic, monkeypatch) as gate:
        question = asyncio.create_task(paired.lab.ask_one())
        await gate.reached_by(question)
        kid, changed = await revoked(paired.lab, "sign")
        assert changed.told == ("clinic.example",)
        gate.opened.set()
        status = await question
    # the node asks again with its new key, under which the question is answered
    assert status.state == "ok"
    assert kid not in {leaf.key for leaf in paired.clinic.leaves(Answered)[1:]}


async def test_a_root_key_is_replaced_while_questions_go_on(paired: Pair) -> None:
    changed = await rotated(paired.clinic, "root")
    assert changed.told == ("lab.example",)
    assert (await paired.lab.ask_one()).state == "ok"
    held = paired.lab.node.peers.get("clinic.example")
    assert held.record.pinned not in {key.kid for key in held.root.roots}
    await rotated(paired.clinic, "sign")
    assert version_at(paired.lab, paired.clinic) == 3


async def test_an_older_document_is_announced_in_vain(paired: Pair) -> None:
    clinic = paired.clinic.node
    old = Announcement.of("clinic.example", clinic.identity.chain(), clinic.card.raw)
    await revoked(paired.clinic, "card")
    held = paired.lab.node.peers.get("clinic.example").record
    paired.lab.node.announcements.take(old.encode())
    await paired.lab.node.announcements.close()
    assert paired.lab.node.peers.get("clinic.example").record == held


async def test_a_node_serves_for_a_week_without_its_root_key_and_is_renewed_from_afar(
    paired: Pair, tmp_path: Path
) -> None:
    clinic = paired.clinic
    away = clinic.node.data.key_file("root").rename(tmp_path / "root.key")
    for _ in range(7):
        paired.world.time.offset += DAY_S
        for one in (paired.lab, clinic):
            await one.node.renew()
        assert (await paired.lab.ask_one()).state == "ok"
    waiting = await rotated(clinic, "sign")
    assert not waiting.published
    signed, _ = sign_draft((await clinic.node.roots.export()).payload, read_key(away, None))
    changed = await clinic.node.roots.publish(signed)
    assert changed.published
    assert (await clinic.node.announcer.tell_all()).told == ("lab.example",)
    assert waiting.created[0] in paired.lab.node.peers.get("clinic.example").root.ring.records
    assert (await paired.lab.ask_one()).state == "ok"


async def test_what_was_signed_under_retired_keys_is_still_bound_in_an_audit(paired: Pair) -> None:
    both = (paired.lab, paired.clinic)
    await paired.lab.ask()
    for one in both:
        await rotated(one, "sign")
        await revoked(one, "sign")
    await paired.lab.ask()
    paired.world.time.offset += 5 * DAY_S  # both keys of the beginning are named no more
    for one in both:
        one.node.identity.renew_root()
        one.node.announcer.changed()
        await one.node.announcer.tell_all()
    await paired.lab.ask()
    for one in both:
        verified = verify_directory(one.node.data.path, None, silent)
        assert verified.findings == ()
        assert verified.requests_bound == verified.requests >= 3
        assert verified.receipts_proved == verified.receipts


async def test_the_keys_of_a_former_partner_are_kept_for_audits(paired: Pair) -> None:
    await paired.lab.ask()
    await paired.clinic.change("remove", "lab.example")
    verified = verify_directory(paired.clinic.node.data.path, None, silent)
    assert verified.requests_bound == verified.requests > 0


async def test_a_lost_sign_key_is_revoked_while_the_node_cannot_start(paired: Pair) -> None:
    clinic, data = paired.clinic, paired.clinic.node.data
    lost = clinic.node.identity.kid("sign")
    await clinic.stop()
    paired.world.organisations.remove(clinic)
    data.key_file("sign").unlink()
    with pytest.raises(KeyFileMissing):
        await paired.world.serve(data)
    line = ["key", "revoke", lost, "--reason", "lost", "--json", "--data", str(data.path)]
    done = await asyncio.to_thread(CliRunner().invoke, app, line)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["told"] == ["lab.example"]
    again = await paired.world.serve(data)
    assert again.node.identity.kid("sign") != lost
    assert (await paired.lab.ask_one()).state == "ok"


async def test_an_organisation_that_lost_its_root_key_pairs_anew_under_its_name(
    paired: Pair,
) -> None:
    """Only people can begin it anew: the old root is revoked by the partner's admin."""
    before = paired.lab.node.peers.get("clinic.example").record.pinned
    await paired.clinic.stop()
    paired.world.organisations.remove(paired.clinic)
    await paired.lab.change("revoke", "clinic.example")
    anew = await paired.world.organisation("clinic.example", documents("clinic"))
    await pair(anew, paired.lab)
    await anew.grant(grant("lab.example"))
    assert (await paired.lab.ask_one()).state == "ok"
    assert paired.lab.node.peers.get("clinic.example").record.pinned != before


async def test_an_older_card_is_announced_in_vain(paired: Pair) -> None:
    clinic, lab = paired.clinic.node, paired.lab.node
    old = Announcement.of("clinic.example", clinic.identity.chain(), clinic.card.raw)
    paired.world.time.offset += DAY_S
    await clinic.renew()
    await clinic.announcer.tell_all()
    held = lab.peers.get("clinic.example").record
    lab.announcements.take(old.encode())
    await lab.announcements.close()
    assert lab.peers.get("clinic.example").record == held


async def test_a_new_key_is_not_used_before_slow_clocks_take_it_for_valid(paired: Pair) -> None:
    changed = await rotated(paired.clinic, "sign")
    ring = paired.lab.node.peers.get("clinic.example").root.ring
    paired.world.time.offset += DAY_S + CLOCK_SKEW_S // 2
    assert paired.clinic.node.identity.kid("sign") not in changed.created
    paired.world.time.offset += CLOCK_SKEW_S
    assert paired.clinic.node.identity.kid("sign") in changed.created
    assert ring.usable(changed.created[0], "sign", paired.world.time() - CLOCK_SKEW_S)
    for one in (paired.lab, paired.clinic):
        await one.node.renew()
    assert (await paired.lab.ask_one()).state == "ok"


async def test_a_clock_that_is_wrong_for_a_minute_dates_no_root_document(paired: Pair) -> None:
    clinic, time = paired.clinic, paired.world.time
    clinic.clock.ahead = 70 * DAY_S
    await clinic.node.roots.keep_current()
    assert "clock" in await clinic.findings()
    clinic.clock.ahead = 0
    assert clinic.node.identity.root.version == 1
    assert "clock" not in await clinic.findings()
    _, change = await revoked(clinic, "sign")
    assert change.published
    assert change.told == ("lab.example",)
    time.offset += 70 * DAY_S  # time that really passes
    await clinic.node.roots.keep_current()
    assert clinic.node.identity.root.version == 3
