"""A clinic of a shared space changes its model: one merged list all the while, and a way for all.

Both its models have joined, so partners are answered from both versions with scores that compare;
then the new one leaves the space, and who asks through it goes on over a chain of two maps.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from keys.signer import SeedSigner
from node.encoders.encoder import Encoder, RolePrompts
from node.encoders.errors import EncoderError, EncoderFailed
from node.federation.ask import AskRequest, AskResult, Result, SiloStatus
from node.ingest.record import Record
from node.operations.migration import Migrated, Switched, SwitchVersion
from node.operations.partners import ListPartners, Partners
from node.operations.peers import NamedPeer, PeerRefreshed
from node.operations.resolve import Resolve, ResolvedRecord
from node.operations.retiring import Retired, RetireVersion
from node.operations.strategies import AnswerFromBoth
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.manifest import sign_manifest
from protocol.leaf import Answered, Received, Sent
from tests.node.spaces.consortium import created, joining_of, members
from tests.scenarios.anchor_records import records
from tests.scenarios.test_three_models import HUB
from tests.scenarios.world import DOCS, PURPOSE, Organisation, World, grant, only, pair

OLD, NEW, LAB = members()
BEFORE, LATER, THEIRS = range(120), range(120, 160), range(160, 220)


class Seen:
    """A model that knows the texts of the anchors; `fails` makes it unreachable."""

    def __init__(self, own: AnchorEmbeddings) -> None:
        self._views = {"document": own.document, "question": own.query}
        self.fails = False

    async def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Turn n texts, `document 7` or `question 7`, into (n, d)."""
        if self.fails:
            raise EncoderFailed("nobody answers", fix="Start the model's server.")
        named = [text.split() for text in texts]
        return np.stack([self._views[view][int(number)] for view, number in named])

    def count_tokens(self, text: str) -> int:
        """Words."""
        return len(text.split())

    async def described(self) -> dict[str, Any]:
        """Nothing is known of it."""
        return {}

    async def close(self) -> None:
        """Nothing is open."""


def add_seeing(clinic: Organisation, name: str, own: AnchorEmbeddings) -> Seen:
    """Add an encoder that runs such a model, and join the space with it."""
    model = add_seeing_model(clinic, name, own)
    join_with(clinic, own)
    return model


def add_seeing_model(clinic: Organisation, name: str, own: AnchorEmbeddings) -> Seen:
    """Add an encoder that runs such a model in this process."""
    settings = {"url": "http://127.0.0.1:9/v1", "model": name}
    clinic.node.encoders.add(name, "openai", settings, own.envelope)
    model = Seen(own)
    opened = Encoder(name, "openai", own.envelope, RolePrompts(), model)
    clinic.node.encoders._opened[name] = opened
    return model


def join_with(one: Organisation, own: AnchorEmbeddings) -> None:
    """Join the shared space with a model, by the embeddings of one other member."""
    manifest, positions = created()
    others = [OLD if own is LAB else LAB]
    raw = sign_manifest(manifest, [SeedSigner.generate()])
    one.node.spaces.keep(manifest, raw, positions.encoded, joining_of(own, *others), others)


def document(number: int) -> Record:
    return Record(
        f"text-{number}", str(number), text=f"document {number}", labels=frozenset({"open"})
    )


@pytest.fixture
async def lab_and_clinic(world: World) -> tuple[Organisation, Organisation]:
    lab = await world.organisation("lab.example", records(LAB, THEIRS), space=LAB.envelope)
    clinic = await world.organisation("clinic.example")
    join_with(lab, LAB)
    add_seeing(clinic, "old", OLD)
    collection = await clinic.node.collections.create(DOCS, "old", title="Documents")
    await collection.ingest(map(document, BEFORE), None, lambda *_: None)
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example", near_duplicates_per_day=4096))
    await lab.grant(grant("clinic.example", near_duplicates_per_day=4096))
    return lab, clinic


async def asked(lab: Organisation, clinic: Organisation, question: int, version: str) -> SiloStatus:
    """The lab asks through the space and finds it; both sides' logs name version and map."""
    result = await lab.ask(vectors=[LAB.query[question].tolist()], k=10)
    silo = only(result, clinic.name)
    assert (silo.state, silo.version, silo.granularity) == ("ok", version, "bins")
    assert {hit.score_space for hit in result.results[0]} == {HUB}
    sent, answered = lab.leaves(Sent)[-1], clinic.leaves(Answered)[-1]
    assert answered.version == lab.leaves(Received)[-1].version == version
    assert sent.space == answered.space == answered.score_space == HUB
    assert silo.route is not None
    assert sent.route == answered.adapter == silo.route.adapter
    for hit in result.results[0]:
        one = Resolve(reference=hit.reference or "")
        found = await clinic.do("resolve", one, ResolvedRecord)
        if found.external_id == f"text-{question}":
            return silo
    raise AssertionError(f"text-{question} was not found")


async def look_again(lab: Organisation, clinic: Organisation) -> None:
    """Let the lab see the clinic's card and offers now, instead of within a minute."""
    await lab.do("peer.refresh", NamedPeer(organisation=clinic.name), PeerRefreshed)
    await lab.do("partners", ListPartners(), Partners)


async def asked_by_clinic(clinic: Organisation, lab: Organisation, question: int) -> list[Result]:
    """The clinic asks its own collection and the lab's by the model that serves."""
    request = {"texts": [f"question {question}"], "purpose": PURPOSE, "encoder": "old", "k": 10}
    result = await clinic.do("query", AskRequest.model_validate(request), AskResult)
    told = {(silo.organisation, silo.state, silo.version) for silo in result.silos}
    assert told == {(clinic.name, "ok", "v2+v1"), (lab.name, "ok", "v1")}
    hits = list(result.results[0])
    assert {hit.score_space for hit in hits} == {HUB}  # all compare
    assert all(hit.bin is not None for hit in hits)
    return hits


async def test_partners_see_one_list_and_then_a_chain_and_both_logs_name_the_version(
    lab_and_clinic: tuple[Organisation, Organisation],
) -> None:
    lab, clinic = lab_and_clinic
    collection = clinic.node.collections.get(DOCS)
    model = add_seeing(clinic, "new", NEW)
    model.fails = True  # nothing is covered yet
    request = AnswerFromBoth(collection=DOCS, to="new")
    with pytest.raises(EncoderError):
        await clinic.do("collection.both", request, Migrated)
    model.fails = False
    await collection.ingest(map(document, LATER), None, lambda *_: None)
    (new,) = collection.standing.aside
    assert new.coverage().covered == len(LATER)
    for question in (50, 150):  # a document that only the old version has, and one of both
        await asked(lab, clinic, question, "v2+v1")
        own = [hit for hit in await asked_by_clinic(clinic, lab, question) if hit.own]
        names = [hit.external_id for hit in own]
        assert f"text-{question}" in names
        assert len(set(names)) == len(names)
    assert not (await asked_by_clinic(clinic, lab, 200))[0].own  # what the lab has stands first

    await clinic.do("collection.both", request, Migrated)
    await clinic.do("collection.cutover", SwitchVersion(collection=DOCS), Switched)
    await look_again(lab, clinic)
    await asked(lab, clinic, 50, "v2")
    (left,) = [one for one in clinic.node.spaces.all() if one.native == NEW.envelope.space_id]
    clinic.node.spaces.leave(left)
    clinic.node.card.current()
    await asked(lab, clinic, 50, "v1")  # the former version still takes what comes through it
    retire = RetireVersion(collection=DOCS, version="v1", force=True)
    assert "lab.example" in ((await clinic.do("collection.retire", retire, Retired)).forced or "")
    over = (await asked(lab, clinic, 50, "v2")).route
    assert over is not None
    assert over.kind.endswith("chained")
    figures = over.partner_figures
    assert {"chained_agreement_10", "before_chain_mrr"} <= figures.keys()
    assert "mrr" not in figures
