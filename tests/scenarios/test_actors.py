"""Who asked is opened by the asker's own node, for whom its rules name, and proved to partners."""

import pytest

from node.federation.actors import committed
from node.operations.audit_actor import ActorOpened, OpenActor
from node.operations.audit_content import ContentErased, EraseContent
from node.operations.caller import acting_as
from node.operations.errors import InvalidRequest, NotFound, NotPermitted
from protocol.leaf import Answered, AuditRead, Sent
from tests.scenarios.world import Organisation, World, documents, grant, pair


async def opened(one: Organisation, index: int, case: str = "2026-014") -> ActorOpened:
    return await one.do("audit.open-actor", OpenActor(index=index, case=case), ActorOpened)


def indexes(one: Organisation, kind: type) -> list[int]:
    return [n for n, leaf in enumerate(one.all_leaves()) if isinstance(leaf, kind)]


async def test_an_actor_is_opened_by_those_whom_the_rules_name_and_by_nobody_else(
    world: World,
) -> None:
    rules = {"audit.actor_openers": ["officer"]}
    lab = await world.organisation("lab.example", setting=rules)
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    for name in ("anna", "ben", "officer"):
        lab.node.tokens.create(name, "asker", ("research",), (), lab.clock())
    for name in ("anna", "ben"):
        with acting_as(name):
            assert (await lab.ask_one()).state == "ok"
    lab.node.tokens.revoke("anna", lab.clock())

    first, second = indexes(lab, Sent)
    for caller in ("operator", "anna"):
        with acting_as(caller), pytest.raises(NotPermitted):
            await opened(lab, first)
    assert lab.leaves(AuditRead) == []
    with acting_as("officer"):
        anna, ben = await opened(lab, first), await opened(lab, second)
        await opened(lab, second)
        await opened(lab, second, case="another matter")
        with pytest.raises(InvalidRequest, match="actors are opened of own questions"):
            await opened(lab, second + 1)
    assert (anna.name, ben.name, anna.peer) == ("anna", "ben", "clinic.example")
    told = [(leaf.by, leaf.reading, leaf.leaf, leaf.case) for leaf in lab.leaves(AuditRead)]
    assert told == [
        ("officer", "actor", first, "2026-014"),
        ("officer", "actor", second, "2026-014"),
        ("officer", "actor", second, "another matter"),
    ]

    seen = {leaf.query: leaf.actor for leaf in clinic.leaves(Answered)}
    assert seen[anna.query] == committed(bytes.fromhex(anna.opening), "anna") == anna.commitment
    assert seen[ben.query] != committed(bytes.fromhex(anna.opening), "ben")

    erasing = EraseContent(subjects=(anna.commitment,))
    assert (await lab.do("audit.erase", erasing, ContentErased)).state == "erased"
    with acting_as("officer"):
        with pytest.raises(NotFound, match="erased"):
            await opened(lab, first)
        assert (await opened(lab, second)).name == "ben"
