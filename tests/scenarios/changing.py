"""A clinic that changes the model of a collection, and those who ask it all the time.

Two people ask without a pause: one of its own, and one of a partner's who asks by the old model, as
partners with the same model do, and by a third one through a shared space. Every answer is judged.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from node.collections.collection import Collection
from node.collections.version import Version
from node.evaluate.measures import per_question
from node.federation.ask import AskRequest, AskResult, Result, SiloStatus
from node.ingest.record import Record
from node.operations.anchors import (
    AnchorsInfo,
    EmbedAnchors,
    Embedded,
    ExportAnchors,
    ImportAnchors,
)
from node.operations.judging import GoldenFile, GoldenSet
from node.operations.peers import NamedPeer, PeerRefreshed
from node.operations.register import Catalog, WantedVersions
from node.operations.registry import silent
from node.operations.resolve import Resolve, ResolvedRecord
from node.operations.space_joining import JoinSpace
from node.operations.space_making import CreatedSpace, CreateSpace
from node.spaces.report import SpaceInfo
from protocol.leaf import Answered, CollectionChanged
from tests.scenarios.fitted_models import LONGEST, InProcess, judged, public_anchors
from tests.scenarios.provenance import Provenance
from tests.scenarios.world import DOCS, PURPOSE, Organisation, World, grant, pair

LAB, CLINIC = "lab.example", "clinic.example"
DOCUMENTS, QUESTIONS, ANCHORS = 90, 15, 200
ASKED = range(0, DOCUMENTS - 30, (DOCUMENTS - 30) // QUESTIONS)
"""Documents that are asked for; the last thirty are changed and deleted meanwhile."""

ALLOWED = 0.02
"""How much less than the lower of both models may be found at any time (nDCG@10)."""


def text(number: int, edition: str = "") -> str:
    """What a document says, in one of its editions."""
    each = judged(DOCUMENTS)[number % DOCUMENTS]
    return f"{edition}{each.name}\n{each.rest}"[:LONGEST]


def record(number: int, edition: str = "") -> Record:
    """A document that partners may find."""
    return Record(f"d{number}", str(number), text=text(number, edition), labels=frozenset({"open"}))


def judgments(number: int) -> dict[str, int]:
    """What is right for the question of a document."""
    return {f"d{number}": 1}


@dataclass
class Asking:
    """Somebody who asks for one document after another, and in which phase each was answered.

    `wrong`: whatever was no full answer. `found`: nDCG@10 by phase and question, each as often as
    it was asked.
    """

    ask: Callable[[int], Awaitable[tuple[SiloStatus, list[str]]]]
    phase: str = ""
    wrong: list[Any] = field(default_factory=list)
    found: dict[str, dict[int, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    versions: set[str] = field(default_factory=set)
    _answered: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    _stopped: bool = False

    async def run(self) -> None:
        """Ask until it is stopped."""
        for number in cycle(ASKED):
            if self._stopped:
                return
            phase = self.phase
            try:
                status, names = await self.ask(number)
            except Exception as error:
                self.wrong.append((phase, number, error))
                continue
            finally:
                self._answered.put_nowait(None)
            self.versions.add(status.version or "")
            if status.state != "ok" or status.hits != 10:
                self.wrong.append((phase, number, status))
            elif phase == self.phase:
                values = per_question([names], [judgments(number)])
                self.found[phase][number].append(float(values["ndcg_10"][0]))

    async def round(self) -> None:
        """Wait until every question was asked once more, the one under way not counted."""
        for _ in range(self._answered.qsize() + len(ASKED) + 1):
            await self._answered.get()

    def stop(self) -> None:
        """Ask nothing more."""
        self._stopped = True

    def quality(self, phase: str) -> float:
        """Mean nDCG@10 of all questions in a phase, each counting once."""
        each = self.found[phase]
        assert each.keys() == set(ASKED), phase
        return sum(sum(one) / len(one) for one in each.values()) / len(each)

    def worse_by_question(self, one: str, other: str) -> float:
        """Mean nDCG@10 where each question counts as in the phase that answered it worse."""
        pairs = zip(self._by_question(one), self._by_question(other), strict=True)
        return sum(min(first, second) for first, second in pairs) / len(ASKED)

    def _by_question(self, phase: str) -> list[float]:
        return [sum(found := self.found[phase][n]) / len(found) for n in ASKED]


@dataclass
class Change:
    """The two organisations, and the collection whose model changes."""

    lab: Organisation
    clinic: Organisation
    vectors: Provenance
    askers: dict[str, Asking] = field(default_factory=dict)
    running: list[asyncio.Task[None]] = field(default_factory=list)
    phases: list[str] = field(default_factory=list)

    @property
    def collection(self) -> Collection:
        """The one whose model changes."""
        return self.clinic.node.collections.get(DOCS)

    def model(self, name: str) -> InProcess:
        """What runs behind one of the clinic's encoders."""
        backend = self.clinic.node.encoders.get(name)._backend
        assert isinstance(backend, InProcess)
        return backend

    def start(self) -> None:
        """Let everybody ask, from now to the end."""
        self.askers = {
            "own": Asking(self._own),
            "same model": Asking(lambda number: self._partner(number, "old")),
            "shared space": Asking(lambda number: self._partner(number, "own")),
        }
        self.running = [asyncio.create_task(each.run()) for each in self.askers.values()]

    async def phase(self, name: str) -> None:
        """Call what comes now by a name, and wait until every question was asked in it."""
        self.phases.append(name)
        for each in self.askers.values():
            each.phase = name
        await asyncio.gather(*(each.round() for each in self.askers.values()))
        for each in self.askers.values():
            each.phase = f"after {name}"

    async def end(self) -> None:
        """Let everybody stop."""
        for each in self.askers.values():
            each.stop()
        await asyncio.gather(*self.running)

    def require_never_worse(self, old: str, new: str, drawn: Sequence[str] = ()) -> None:
        """In every phase every asker found what the worse of two phases finds, nearly at least.

        In a `drawn` one a share of the questions was answered by one version and the rest by the
        other: a draw may leave each of so few questions to the one that answers it worse.
        """
        for name, each in self.askers.items():
            assert each.wrong == [], name
            worse = min(each.quality(old), each.quality(new))
            worst = each.worse_by_question(old, new)
            for phase in self.phases:
                least = (worst if phase in drawn else worse) - ALLOWED
                assert each.quality(phase) >= least, (name, phase, each.quality(phase), least)

    def require_own_spaces(self) -> None:
        """No vector was searched or scored as one of another space."""
        assert self.vectors.foreign == []
        assert min(self.vectors.searches, self.vectors.scores) > 0

    async def require_covered(self, documents: int) -> None:
        """Every kept version has the vectors of every document as it is now, and no others."""
        catalog = await self.clinic.do("catalog", WantedVersions(collection=DOCS), Catalog)
        for each in catalog.versions:
            if each.state != "retired":
                assert (each.covered, each.documents) == (documents, documents), each
        for version in self.collection.standing.kept:
            await self._require_right(version)

    def events(self) -> list[str]:
        """The changes of versions in the clinic's log."""
        return [leaf.event for leaf in self.clinic.leaves(CollectionChanged)]

    def answered_by(self) -> set[str]:
        """The versions that the clinic's log names for partners' questions."""
        return {leaf.version or "" for leaf in self.clinic.leaves(Answered)}

    async def _require_right(self, version: Version) -> None:
        with self.clinic.node.store.read() as db:
            rows = db.execute(
                "SELECT d.text, c.vector FROM documents d JOIN chunks c ON c.document = d.key"
                " WHERE c.version = ?",
                (version.key,),
            ).fetchall()
        assert len(rows) == self.collection.documents
        made = await version.encoder.encode([words for words, _ in rows], "document")
        kept = np.array([np.frombuffer(vector, made.dtype) for _, vector in rows])
        # a transformer's last digits depend on what else was in its batch
        np.testing.assert_allclose(kept, made, atol=1e-4)

    async def _own(self, number: int) -> tuple[SiloStatus, list[str]]:
        asked = AskRequest(
            texts=(question(number),), purpose=PURPOSE, collections=(f"{CLINIC}/{DOCS}",)
        )
        result = await self.clinic.do("query", asked, AskResult)
        (status,) = result.silos
        return status, [hit.external_id or "" for hit in result.results[0]]

    async def _partner(self, number: int, encoder: str) -> tuple[SiloStatus, list[str]]:
        asked = {"texts": [question(number)], "purpose": PURPOSE, "own": False, "encoder": encoder}
        result = await self.lab.do("query", AskRequest.model_validate(asked), AskResult)
        (status,) = result.silos
        return status, [await self._name(hit) for hit in result.results[0]]

    async def _name(self, hit: Result) -> str:
        asked = Resolve(reference=hit.reference or "")
        found = await self.clinic.do("resolve", asked, ResolvedRecord)
        return found.external_id or ""


def question(number: int) -> str:
    """What asks for a document."""
    return judged(DOCUMENTS)[number].summary


async def founded(
    world: World,
    vectors: Provenance,
    add: Callable[[Organisation, Sequence[str]], None],
    **setting: Any,
) -> Change:
    """Found both organisations; `add` adds encoders by name: old, new, and the lab's own."""
    lab = await world.organisation(LAB)
    clinic = await world.organisation(CLINIC, setting=setting)
    add(lab, ("old", "own"))
    add(clinic, ("old", "new"))
    collection = await clinic.node.collections.create(DOCS, "old", title="Documents")
    await collection.ingest(map(record, range(DOCUMENTS)), None, silent)
    await pair(lab, clinic)
    many = {"rate": 100_000, "queries_per_day": 100_000, "near_duplicates_per_day": 4096}
    await clinic.grant(grant(LAB, answers_per_record=100_000, **many))
    await share_space(world.directory, lab, clinic)
    return Change(lab, clinic, vectors)


async def import_anchors(directory: Path, organisation: Organisation) -> None:
    """The public texts, as the set `public`."""
    public = directory / "public.jsonl"
    lines = ({"document": a.document, "query": a.query} for a in public_anchors(ANCHORS))
    public.write_text("".join(json.dumps(line) + "\n" for line in lines))
    asked = ImportAnchors(name="public", file=public)
    await organisation.do("anchors.import", asked, AnchorsInfo)


async def share_space(directory: Path, lab: Organisation, clinic: Organisation) -> None:
    """A space of the lab's own model and the clinic's old one; the new one joins ahead."""
    for each, encoders in ((lab, ("own",)), (clinic, ("old", "new"))):
        await import_anchors(directory, each)
        for encoder in encoders:
            embed = EmbedAnchors(anchors="public", encoder=encoder)
            await each.do("anchors.embed", embed, Embedded)
            out = directory / f"{each.name}-{encoder}.safetensors"
            export = ExportAnchors(anchors="public", encoder=encoder, out=out)
            await each.do("anchors.export", export, Embedded)
    of_lab, old = (directory / f"{name}.safetensors" for name in (f"{LAB}-own", f"{CLINIC}-old"))
    create = CreateSpace(
        name="commons", anchors="public", members=(old,), encoders=("own",), out=directory
    )
    created = await lab.do("space.create", create, CreatedSpace)
    for each, encoder, members in (
        (lab, "own", (old,)), (clinic, "old", (of_lab,)), (clinic, "new", (of_lab,)),
    ):  # fmt: skip
        join = JoinSpace(manifest=created.manifest, encoder=encoder, members=members)
        await each.do("space.join", join, SpaceInfo)
    for each, other in ((lab, CLINIC), (clinic, LAB)):
        await each.do("peer.refresh", NamedPeer(organisation=other), PeerRefreshed)


async def keep_golden(clinic: Organisation) -> None:
    """The questions whose answers are known, as a file brings them."""
    file = Path(clinic.node.data.path) / "golden.jsonl"
    rows = ({"question": question(n), "relevant": [f"d{n}"]} for n in ASKED)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    await clinic.do("collection.golden", GoldenFile(collection=DOCS, file=file), GoldenSet)


async def alter(collection: Collection, edition: str) -> None:
    """Add, change and delete documents; those that are asked for stay."""
    first = DOCUMENTS - 30
    await collection.ingest((record(first + n, edition) for n in range(8)), None, silent)
    await collection.delete([f"d{first + n}" for n in range(8, 12)])
    await collection.ingest((record(first + n) for n in range(10, 12)), None, silent)
    await collection.ingest((record(DOCUMENTS + n, edition) for n in range(5)), None, silent)
