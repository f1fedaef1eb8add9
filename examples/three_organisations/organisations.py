"""Who takes part: three organisations, what each keeps private, and which model each uses.

The rule of this file: it is the one place that says what the three have, so that the demo, the
container images and the tests cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from examples.three_organisations.compiled import of_compiled
from examples.three_organisations.docstrings import Docstring, distinct, of_installed


@dataclass(frozen=True, slots=True)
class Organisation:
    """One member: its name, its collection and where that comes from, its encoder's recipe."""

    name: str
    collection: str
    title: str
    description: str
    recipe: str
    packages: tuple[str, ...]
    compiled: tuple[str, ...] = ()

    @property
    def short(self) -> str:
        """The name's first label; names folders and services."""
        return self.name.partition(".")[0]


ORGANISATIONS = (
    Organisation(
        name="arrays.example",
        collection="numerics",
        title="Numerical methods",
        description="Array programming, linear algebra, random numbers and transforms.",
        recipe="subword",
        packages=("numpy",),
        compiled=("numpy", "numpy.random", "numpy.strings", "numpy.linalg", "numpy.fft"),
    ),
    Organisation(
        name="network.example",
        collection="services",
        title="Network services",
        description="HTTP clients and servers, addresses, event loops, logging and metrics.",
        recipe="word",
        packages=(
            *("aiohttp", "yarl", "multidict", "frozenlist", "aiosignal", "aiohappyeyeballs"),
            *("propcache", "attr", "uvloop", "structlog", "prometheus_client"),
        ),
    ),
    Organisation(
        name="records.example",
        collection="records",
        title="Records and secrets",
        description="Validation of records, settings, cryptography, files and terminal programs.",
        recipe="cooccurrence",
        packages=(
            *("pydantic", "pydantic_core", "pydantic_settings", "annotated_types"),
            *("typing_inspection", "cryptography", "mnemonic", "safetensors", "dotenv"),
            *("click", "typer", "rich"),
        ),
    ),
)


def named(name: str) -> Organisation:
    """Find an organisation by its full or short name; KeyError when there is none."""
    for organisation in ORGANISATIONS:
        if name in (organisation.name, organisation.short):
            return organisation
    raise KeyError(name)


def private_documents(organisation: Organisation) -> list[Docstring]:
    """Distinct docstrings of the organisation's packages; a missing package has none."""
    return distinct(_sources(organisation))


def _sources(organisation: Organisation) -> Iterator[Docstring]:
    for package in organisation.packages:
        yield from of_installed(package)
    for module in organisation.compiled:
        yield from of_compiled(module)
