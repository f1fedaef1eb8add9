"""Two paired organisations, and an empty world for other constellations."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.scenarios.middleman import Middleman, middleman
from tests.scenarios.ports import free_port
from tests.scenarios.world import Organisation, World, documents, grant, pair


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A world without organisations."""
    made = World(tmp_path)
    yield made
    await made.close()


@dataclass
class Pair:
    """A lab that asks and a clinic that answers."""

    world: World
    lab: Organisation
    clinic: Organisation


@pytest.fixture
async def paired(world: World) -> Pair:
    """The lab may ask the clinic's documents for research, and sees bins."""
    lab = await world.organisation("lab.example")
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    return Pair(world, lab, clinic)


@dataclass
class Watched(Pair):
    """The same, with somebody between the lab and the clinic."""

    between: Middleman


@pytest.fixture
async def watched(world: World) -> AsyncIterator[Watched]:
    """The lab reaches the clinic through a middleman."""
    async with middleman(free_port()) as between:
        lab = await world.organisation("lab.example")
        clinic = await world.organisation("clinic.example", documents("clinic"), url=between.url)
        between.target = f"http://127.0.0.1:{clinic.node.settings.federation.port}"
        await pair(lab, clinic)
        await clinic.grant(grant("lab.example"))
        yield Watched(world, lab, clinic, between)
