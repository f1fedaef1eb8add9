"""A node comes back from a backup: as itself, or after a loss as its own successor."""

import asyncio
import shutil
from pathlib import Path

import pytest

from node.audit.entry import Entry, Receipt
from node.audit.log import AuditLog
from node.backup.errors import NodeBehind, NotCompared, NotSettled
from node.clock import system_clock
from node.config_reading import load_settings
from node.data_directory import DataDirectory
from node.doctor.finding import Diagnosis
from node.identity import Identity
from node.operations.audit import verify_directory, verify_file
from node.operations.backup import (
    Restored,
    go_on_without,
    restore_after_loss,
    restore_backup,
    write_backup,
)
from node.operations.budgets import BudgetWasReset, ResetBudget
from node.operations.errors import Conflict
from node.operations.keys import RootChanged, Rotate
from node.operations.peers import NamedPeer, PeerLog
from node.operations.registry import NoRequest, silent
from node.passphrase import Passphrase
from protocol.leaf import AdminActed, Answered, Compared, PeerChanged, PolicyApplied, Succeeded
from tests.scenarios.world import Organisation, World, documents, grant, pair


async def two(world: World) -> tuple[Organisation, Organisation]:
    """A lab that asks, and a clinic that answers."""
    lab = await world.organisation("lab.example", documents("lab"))
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    await lab.grant(grant("clinic.example"))
    return lab, clinic


async def back_up(one: Organisation, to: Path) -> None:
    await asyncio.to_thread(write_backup, one.node.data, to, None, system_clock(), silent)


async def restore(file: Path, to: Path) -> DataDirectory:
    data = DataDirectory(to)
    await asyncio.to_thread(restore_backup, file, data, lambda: None, system_clock(), silent)
    return data


async def after_loss(file: Path, to: Path, *without: str) -> tuple[DataDirectory, Restored]:
    data, keys = DataDirectory(to), Passphrase()
    result = await asyncio.to_thread(
        restore_after_loss, file, data, lambda: None, keys, without, system_clock(), silent
    )
    return data, result


async def test_a_backup_of_a_serving_node_asks_and_answers_from_elsewhere(world: World) -> None:
    lab, clinic = await two(world)
    asking = asyncio.create_task(ask_on(lab, 20))
    await back_up(clinic, world.directory / "during")
    assert await asking == ["ok"] * 20
    await back_up(clinic, world.directory / "after")
    before = clinic.all_leaves()
    await clinic.stop()

    again = await world.serve(await restore(world.directory / "after", world.directory / "new"))

    assert again.all_leaves()[: len(before)] == before
    (settled,) = again.leaves(AdminActed)
    assert settled.operation == "restore"
    assert len(lab.leaves(Compared)) == 1
    assert (await lab.ask_one()).state == "ok"
    assert (await again.ask_one()).state == "ok"
    assert not again.node.data.mark_file.exists()
    # the other one is a whole node too, and as old as it is
    with pytest.raises(NodeBehind):
        await world.serve(await restore(world.directory / "during", world.directory / "old"))


async def ask_on(lab: Organisation, times: int) -> list[str]:
    return [(await lab.ask_one()).state for _ in range(times)]


async def test_an_old_backup_is_refused_while_a_partner_holds_more(world: World) -> None:
    lab, clinic = await two(world)
    await back_up(clinic, world.directory / "backup")
    assert (await lab.ask_one()).state == "ok"
    held = clinic.node.log.size()
    await clinic.stop()
    data = await restore(world.directory / "backup", world.directory / "new")
    for _ in range(2):  # starting again does not help
        with pytest.raises(NodeBehind, match=rf"lab.example.*checkpoint of {held} leaves") as found:
            await world.serve(data)
        assert "--after-loss" in found.value.fix
    with pytest.raises(Conflict, match=r"lab\.example has shown"):
        go_on_without(data, ["lab.example"])


async def test_nothing_is_guessed_of_a_partner_that_cannot_be_asked(world: World) -> None:
    lab, clinic = await two(world)
    assert (await lab.ask_one()).state == "ok"
    await back_up(clinic, world.directory / "backup")
    await clinic.stop()
    lab_data = lab.node.data
    await lab.stop()
    data = await restore(world.directory / "backup", world.directory / "new")
    with pytest.raises(NotCompared, match=r"lab\.example") as found:
        await world.serve(data)
    assert "interlingua restore --without lab.example" in found.value.fix
    go_on_without(data, ["lab.example"])
    again = await world.serve(data)
    assert [leaf.operation for leaf in again.leaves(AdminActed)] == ["restore.without", "restore"]
    lab = await world.serve(lab_data)
    assert (await lab.ask_one()).state == "ok"


async def test_partners_that_only_ask_are_named_in_one_decision_and_see_for_themselves(
    world: World,
) -> None:
    clinic = await world.organisation("clinic.example", documents("clinic"))
    labs = [await world.organisation(f"{n}.example", asks_only=True) for n in ("one", "two")]
    for lab in labs:
        await pair(clinic, lab)
    await clinic.grant(*(grant(lab.name) for lab in labs))
    await back_up(clinic, world.directory / "backup")
    assert await ask_on(labs[0], 8) == ["ok"] * 8  # more leaves than a restored node writes first
    await clinic.stop()
    data = await restore(world.directory / "backup", world.directory / "new")
    with pytest.raises(NotCompared) as found:
        await world.serve(data)
    assert found.value.fix.endswith(
        "interlingua restore --without one.example --without two.example"
    )
    go_on_without(data, [lab.name for lab in labs])
    await world.serve(data)
    told = await labs[0].ask_one()
    assert (told.state, told.code) == ("unverifiable", "log-went-back")
    assert (await labs[1].ask_one()).state == "ok"


@pytest.mark.parametrize("leaves", [0, 1])
async def test_what_a_person_decided_is_logged_although_a_crash_came_first(
    world: World, leaves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab, clinic = await two(world)
    await back_up(clinic, world.directory / "backup")
    await clinic.stop()
    await lab.stop()
    data = await restore(world.directory / "backup", world.directory / "new")
    go_on_without(data, ["lab.example"])
    append, left = AuditLog.append, iter(range(leaves))

    async def until_the_power_is_cut(log: AuditLog, entry: Entry) -> Receipt:
        if next(left, None) is None:
            raise OSError("the power is cut")
        return await append(log, entry)

    with monkeypatch.context() as crash:
        crash.setattr(AuditLog, "append", until_the_power_is_cut)
        with pytest.raises(OSError, match="power"):
            await world.serve(data)
    with pytest.raises(Conflict):  # nothing is left to decide
        go_on_without(data, [])
    again = await world.serve(data)
    operations = [leaf.operation for leaf in again.leaves(AdminActed)]
    assert operations[leaves:] == ["restore.without", "restore"]
    assert set(operations[:leaves]) <= {"restore.without"}
    assert not data.mark_file.exists()


async def test_after_a_loss_a_successor_log_is_opened_and_partners_approve_it(
    world: World,
) -> None:
    lab, clinic = await two(world)
    await back_up(clinic, world.directory / "backup")
    assert (await lab.ask_one()).state == "ok"
    old_log, held = clinic.node.log_origin, clinic.node.log.size()
    await clinic.stop()
    data, result = await after_loss(world.directory / "backup", world.directory / "new")
    assert result.successor is not None
    assert result.successor != old_log
    assert f"checkpoint of {held} leaves" in result.found[0]

    again = await world.serve(data)
    first, *rest = again.all_leaves()
    assert isinstance(first, Succeeded)
    assert (first.origin, first.held_by) == (old_log, "lab.example")
    assert first.held is not None
    assert f"\n{held}\n" in first.held
    # the new log says itself who the partners are and what is granted
    assert [type(leaf) for leaf in rest if isinstance(leaf, PeerChanged | PolicyApplied)]
    assert again.node.log_origin == result.successor
    assert (data.path / "predecessors" / "interlingua.db").exists()

    await lab.node.refresher.refresh("clinic.example")
    asked = await lab.ask_one()
    assert asked.state == "not-active"
    assert asked.detail is not None
    assert result.successor in asked.detail
    assert (await again.ask_one()).state == "denied"  # nor is it answered
    found = await lab.do("doctor", NoRequest(), Diagnosis)
    assert "log-not-approved" in [finding.code for finding in found.findings]
    approved = await lab.do("peer.approve-log", NamedPeer(organisation=again.name), PeerLog)
    assert (approved.before, approved.now, approved.seen) == (old_log, result.successor, held)
    assert lab.leaves(PeerChanged)[-1].log == result.successor

    spent = await lab.ask_one()
    assert (spent.state, spent.code) == ("denied", "budget-exhausted")
    assert (await again.ask_one()).state == "ok"
    world.time.offset += 86_400
    await lab.node.refresher.refresh("clinic.example")
    next_day = await lab.ask_one()
    assert (next_day.state, next_day.hits) == ("ok", 0)  # what it has learnt is not known
    assert len(again.leaves(Answered)) == 1
    reset = ResetBudget(peer="lab.example")  # a person's decision, with a leaf
    await again.do("budget.reset", reset, BudgetWasReset)
    assert (await lab.ask_one()).hits == 10
    given_up = verify_file(data.path / "predecessors" / "interlingua.db", None, silent)
    assert (given_up.log_key_from, given_up.findings) == ("root document", ())
    verified = verify_directory(again.node.data.path, None, silent)
    assert (verified.verdict, verified.findings) == ("SELF-SIGNED", ())
    before = verified.predecessor
    assert before is not None
    assert (before.origin, before.compared, before.proved) == (old_log, True, True)
    assert before.size + before.lost == held
    # and it can be backed up and restored like any other
    await back_up(again, world.directory / "backup-2")
    await again.stop()
    third = await world.serve(await restore(world.directory / "backup-2", world.directory / "3"))
    assert (await lab.ask_one()).state == "ok"
    assert third.node.log_origin == result.successor


async def test_a_copy_of_an_old_directory_is_noticed_by_partners_and_by_itself(
    world: World,
) -> None:
    lab, clinic = await two(world)
    assert (await lab.ask_one()).state == "ok"
    await clinic.stop()
    old = world.directory / "copy"
    shutil.copytree(clinic.node.data.path, old)
    clinic = await world.serve(clinic.node.data)
    for _ in range(4):  # more leaves than the copy adds by starting and being asked
        assert (await lab.ask_one()).state == "ok"
    await clinic.stop()

    with pytest.raises(NodeBehind):  # the lab says what it holds
        await world.serve(DataDirectory(unseen(old)))
    await lab.stop()  # so nobody says it when the copy starts
    copied = await world.serve(DataDirectory(old))
    lab = await world.serve(lab.node.data)
    answer = await lab.ask_one()
    assert (answer.state, answer.code) == ("unverifiable", "log-went-back")
    found = await copied.node.standing.check()
    assert "lab.example" in found.behind[0]
    assert copied.node.log.held is not None
    refused = await lab.ask_one()
    assert (refused.state, refused.code) == ("denied", "unavailable")
    assert (await copied.ask_one()).state == "failed"
    await copied.stop()
    with pytest.raises(NodeBehind):  # nor does it start again
        await world.serve(DataDirectory(old))


async def test_the_root_key_may_be_elsewhere_when_a_log_is_given_up(world: World) -> None:
    lab, clinic = await two(world)
    away = world.directory / "root.key"
    clinic.node.data.key_file("root").rename(away)
    await back_up(clinic, world.directory / "backup")
    assert (await lab.ask_one()).state == "ok"
    await clinic.stop()
    data, result = await after_loss(world.directory / "backup", world.directory / "new")
    assert not result.root_signed
    with pytest.raises(NotSettled, match="is not signed yet"):
        await world.serve(data)
    away.rename(data.key_file("root"))  # as signing the draft elsewhere and importing it does
    settings = load_settings(data.config_file)
    identity = Identity.open(data, settings, Passphrase(), world.time)
    identity.renew_root()
    again = await world.serve(data)
    assert again.node.log_origin == result.successor


async def test_documents_that_partners_hold_are_never_gone_behind(world: World) -> None:
    lab, clinic = await two(world)
    await back_up(clinic, world.directory / "backup")
    clinic.node.identity.renew_root()
    await clinic.node.renew()
    await lab.node.refresher.refresh("clinic.example")
    held = lab.node.peers.get("clinic.example").root
    assert held.version == 2
    clinic.node.identity.renew_root()  # a version that nobody has seen
    await clinic.stop()

    again = await world.serve(await restore(world.directory / "backup", world.directory / "new"))
    assert again.node.identity.root.digest == held.digest  # taken back from the lab
    assert (await lab.ask_one()).state == "ok"


async def test_after_a_loss_the_root_document_goes_on_from_the_newest_that_is_held(
    world: World,
) -> None:
    lab, clinic = await two(world)
    await back_up(clinic, world.directory / "backup")
    for _ in range(2):
        clinic.node.identity.renew_root()
        await clinic.node.renew()
        await lab.node.refresher.refresh("clinic.example")
    await clinic.stop()
    data = await restore(world.directory / "backup", world.directory / "old")
    with pytest.raises(NodeBehind, match="version 3 of this node's root document"):
        await world.serve(data)
    data, result = await after_loss(world.directory / "backup", world.directory / "new")
    assert result.root_version == 4
    again = await world.serve(data)
    refreshed = await lab.node.refresher.refresh("clinic.example")
    assert refreshed.problem is None
    assert lab.node.peers.get("clinic.example").root.version == 4
    assert again.node.identity.root.version == 4


def unseen(directory: Path) -> Path:
    """Another copy of a node's directory."""
    return Path(shutil.copytree(directory, directory.with_name("another")))


async def test_doctor_names_partners_that_hold_more(world: World) -> None:
    lab, clinic = await two(world)
    await clinic.stop()
    old = world.directory / "copy"
    shutil.copytree(clinic.node.data.path, old)
    clinic = await world.serve(clinic.node.data)
    assert (await lab.ask_one()).state == "ok"
    await clinic.stop()
    await lab.stop()
    copied = await world.serve(DataDirectory(old))
    lab = await world.serve(lab.node.data)
    found = await copied.do("doctor", NoRequest(), Diagnosis)
    assert "node-behind" in [finding.code for finding in found.findings]
    await lab.stop()
    found = await copied.do("doctor", NoRequest(), Diagnosis)
    assert "not-compared" in [finding.code for finding in found.findings]


async def test_partners_are_asked_once_a_day_what_they_hold(world: World) -> None:
    lab, clinic = await two(world)
    for _ in range(3):
        assert not (await clinic.node.standing.check()).behind
    assert len(lab.leaves(Compared)) == 1
    world.time.offset += 86_400
    await clinic.node.refresher.refresh("lab.example")
    await clinic.node.standing.check()
    assert len(lab.leaves(Compared)) == 2


async def test_a_backup_from_before_a_log_key_was_replaced_is_behind_and_can_be_succeeded(
    world: World,
) -> None:
    lab, clinic = await two(world)
    assert (await lab.ask_one()).state == "ok"
    await back_up(clinic, world.directory / "before")
    rotated = Rotate(purpose="log", at_once=True)
    old, (new,) = clinic.node.log.kid, (await clinic.do("key.rotate", rotated, RootChanged)).created
    assert (await lab.ask_one()).state == "ok"
    await back_up(clinic, world.directory / "after")
    await clinic.stop()

    with pytest.raises(NodeBehind):
        await world.serve(await restore(world.directory / "before", world.directory / "old"))
    again = await world.serve(await restore(world.directory / "after", world.directory / "new"))
    assert (again.node.log.kid, [t.kid for t in again.node.identity.root.log_terms]) == (
        new,
        [old, new],
    )
    assert (await lab.ask_one()).state == "ok"
    await again.stop()
    world.organisations.remove(again)

    data, result = await after_loss(world.directory / "before", world.directory / "succeeded")
    assert "when its key was replaced" in "".join(result.found)
    await world.serve(data)
    verified = verify_directory(data.path, None, silent)
    assert verified.findings == ()
    assert verified.predecessor is not None  # it ends under one key, and is held under the other
    assert verified.predecessor.proved
    assert verified.predecessor.lost > 0
