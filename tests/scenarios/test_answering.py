"""A question travels, is answered within its grant, and leaves its mark in both logs."""

import hashlib

import pytest

from node.audit.entry import Entry, Receipt
from node.audit.errors import LogUnavailable
from node.operations.partners import ListPartners, Partners
from node.operations.resolve import Resolve, ResolvedRecord
from protocol.canonical import digest, dumps
from protocol.leaf import Answered, Denied, Leaf, Received, Sent
from tests.scenarios.conftest import Pair, Watched
from tests.scenarios.middleman import Message
from tests.scenarios.world import DOCS, World, documents, grant, only, pair, vector


async def test_a_granted_question_is_answered_with_references_in_bins(paired: Pair) -> None:
    result = await paired.lab.ask(k=5)
    (silo,) = result.silos
    assert (silo.state, silo.collection, silo.hits, silo.granularity) == ("ok", DOCS, 5, "bins")
    (hits,) = result.results
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5]
    assert hits[0].bin == 0.975
    assert all(hit.external_id is None and hit.reference for hit in hits)
    assert silo.queries_left == 999


async def test_the_owner_resolves_a_reference_that_the_partner_names(paired: Pair) -> None:
    result = await paired.lab.ask(k=1)
    reference = result.results[0][0].reference
    assert reference is not None
    found = await paired.clinic.do("resolve", Resolve(reference=reference), ResolvedRecord)
    assert (found.peer, found.collection, found.external_id) == ("lab.example", DOCS, "clinic-0")


async def test_the_leaves_of_both_sides_join_by_digests(paired: Pair) -> None:
    await paired.lab.ask(k=3)
    (sent,) = paired.lab.leaves(Sent)
    (received,) = [leaf for leaf in paired.lab.leaves(Received) if leaf.query == sent.query]
    (answered,) = paired.clinic.leaves(Answered)
    assert sent.query == received.query == answered.query
    assert received.answer == answered.answer
    assert sent.evidence == answered.evidence
    assert received.receipt is not None
    assert paired.clinic.all_leaves()[received.receipt.index] == answered
    assert (answered.purpose, answered.collection, answered.charged) == ("research", DOCS, 1)


async def test_the_sent_leaf_is_durable_before_the_question_leaves(watched: Watched) -> None:
    await watched.lab.ask()
    logged: list[bool] = []

    async def look(message: Message) -> Message:
        digest = "sha256:" + hashlib.sha256(message.body).hexdigest()
        logged.append(digest in {leaf.query for leaf in watched.lab.leaves(Sent)})
        return message

    watched.between.on_request = look
    await watched.lab.ask()
    assert logged == [True]


@pytest.mark.parametrize("kind", [Sent, Received])
async def test_without_its_leaf_nothing_leaves_and_nothing_is_shown(
    paired: Pair, kind: type[Leaf], monkeypatch: pytest.MonkeyPatch
) -> None:
    await paired.lab.ask()
    log = paired.lab.node.log
    append = log.append

    async def fail(entry: Entry) -> Receipt:
        if isinstance(entry.leaf, kind):
            raise LogUnavailable("the disk is full")
        return await append(entry)

    with monkeypatch.context() as broken:
        broken.setattr(log, "append", fail)
        result = await paired.lab.ask()
    assert result.results == ((),)
    assert (result.silos[0].state, result.silos[0].code) == ("failed", "log-unavailable")
    assert len(paired.clinic.leaves(Answered)) == (1 if kind is Sent else 2)


async def test_the_grant_and_its_agreement_are_in_each_leaf(paired: Pair) -> None:
    terms = {"id": "DSA-12", "digest": "sha256:" + "1f" * 32, "until": "2099-12-31"}
    fields = {f"agreement.{name}": value for name, value in terms.items()}
    await paired.clinic.grant(grant("lab.example", queries_per_day=1, **fields))
    await paired.lab.ask()
    assert (await paired.lab.ask_one()).rule == "queries-per-day"
    (answered,), (denied,) = paired.clinic.leaves(Answered), paired.clinic.leaves(Denied)
    (decided,) = paired.clinic.node.policy.current.grants
    for leaf in (answered, denied):
        assert leaf.grant == digest(dumps(decided.plain()))
        assert (leaf.agreement, leaf.agreement_digest) == (terms["id"], terms["digest"])
        assert leaf.agreement_until == 4_102_444_800  # 2100 begins


async def test_the_asker_is_a_commitment_that_its_own_organisation_can_open(paired: Pair) -> None:
    await paired.lab.ask()
    await paired.lab.ask()
    first, second = paired.clinic.leaves(Answered)
    assert first.actor is not None
    assert "operator" not in first.actor
    assert first.actor != second.actor


async def test_documents_without_a_granted_label_do_not_exist_for_the_partner(
    world: World,
) -> None:
    lab = await world.organisation("lab.example")
    records = documents("public", 3) + documents("secret", 3, labels=("internal",))
    clinic = await world.organisation("clinic.example", records)
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    (hits,) = (await lab.ask(k=10)).results
    names = set()
    for hit in hits:
        found = await clinic.do("resolve", Resolve(reference=hit.reference or ""), ResolvedRecord)
        names.add(found.external_id)
    assert names == {"public-0", "public-1", "public-2"}


async def test_coarser_grants_show_less(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", granularity="ranks"))
    (ranks,) = (await paired.lab.ask(k=3)).results
    assert [hit.bin for hit in ranks] == [None, None, None]

    await paired.clinic.grant(grant("lab.example", granularity="count", floor=0.9))
    counted = await paired.lab.ask(k=10)
    assert counted.results == ((),)
    assert counted.silos[0].counts == (6,)  # six documents have a cosine of 0.9 or more

    await paired.clinic.grant(grant("lab.example", granularity="boolean", floor=0.9))
    assert (await paired.lab.ask(topic=0)).silos[0].found == (True,)
    assert (await paired.lab.ask(topic=8)).silos[0].found == (False,)


async def test_a_partner_may_ask_for_less_than_it_is_granted(paired: Pair) -> None:
    status = await paired.lab.ask_one(granularity="boolean")
    assert (status.granularity, status.found, status.hits) == ("boolean", (True,), None)


async def test_a_batch_is_answered_in_order_and_counts_as_many(paired: Pair) -> None:
    batch = [vector(0).tolist(), vector(1).tolist(), vector(0, 0.5).tolist()]
    result = await paired.lab.ask(vectors=batch, k=2)
    assert len(result.results) == 3
    assert result.results[0] != result.results[1]
    assert result.silos[0].queries_left == 997
    (answered,) = paired.clinic.leaves(Answered)
    assert (answered.vectors, answered.charged) == (3, 3)


async def test_own_collections_are_one_more_silo_in_the_merged_list(world: World) -> None:
    lab = await world.organisation("lab.example", documents("lab"))
    clinic = await world.organisation("clinic.example", documents("clinic"))
    await pair(lab, clinic)
    await clinic.grant(grant("lab.example"))
    result = await lab.ask(own=True, k=8)
    (hits,) = result.results
    assert {hit.organisation for hit in hits} == {"lab.example", "clinic.example"}
    assert [hit.place for hit in hits] == list(range(1, 9))
    assert all((hit.external_id is None) != hit.own for hit in hits)
    bins = [hit.bin for hit in hits if hit.bin is not None]
    assert bins == sorted(bins, reverse=True)
    assert only(result, "lab.example").own


async def test_a_record_that_gave_enough_scores_is_shown_by_rank_only(paired: Pair) -> None:
    await paired.clinic.grant(grant("lab.example", scored_answers=2))
    shown = [(await paired.lab.ask(k=3)).results[0][0].bin for _ in range(4)]
    assert shown == [0.975, 0.975, None, None]
    assert [leaf.exposed for leaf in paired.clinic.leaves(Answered)] == [3, 3, 3, 3]


async def test_partners_are_told_what_is_open_to_them_and_no_more(paired: Pair) -> None:
    await paired.clinic.grant(
        grant("lab.example", max_k=7, request_url="https://clinic.example/apply"),
        grant("lab.example", collection="later", rate=90),
        grant("lab.example", purposes=["education"], expires="2020-01-01"),
        grant("rival.example", purposes=["marketing"]),
    )
    await paired.lab.ask(k=2)
    told = await paired.lab.do("partners", ListPartners(), Partners)
    (partner,) = told.partners
    (offer,) = partner.offers
    assert (offer.collection, offer.title, offer.purposes) == (DOCS, "Documents", ("research",))
    assert (offer.max_k, offer.queries_left, offer.granularity) == (7, 999, "bins")
    assert (offer.queries_per_day, offer.rate) == (1000, 90)
    assert offer.request_url == "https://clinic.example/apply"


async def test_a_question_for_more_than_the_grant_shows_is_asked_for_as_much_as_it_does(
    paired: Pair,
) -> None:
    await paired.clinic.grant(grant("lab.example", max_k=4))
    status = await paired.lab.ask_one(k=50)
    assert (status.state, status.hits) == ("ok", 4)


async def test_no_text_and_no_internal_name_crosses(watched: Watched) -> None:
    await watched.lab.ask(k=10)
    crossed = b"".join(m.body for m in (*watched.between.requests, *watched.between.answers))
    assert watched.between.queries()
    assert b"secret text" not in crossed
    assert b"clinic-0" not in crossed
