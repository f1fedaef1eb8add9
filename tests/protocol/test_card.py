"""Cards: believed only beside their root document, for a day, and never after a newer one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from protocol.canonical import dumps
from protocol.card import CARD_TYPE, Card, CardRefused, Figure, Route, accept_card
from protocol.dsse import sign
from protocol.root import RevokedKey, RootDocument
from tests.protocol.organisation import (
    DAY_S,
    FOREIGN,
    NOW,
    ROUTE,
    SPACE,
    card,
    key,
    root,
    signed_card,
    signer,
)
from tests.protocol.samples import envelope

ROOT = root()


def under(document: RootDocument, **changes: Any) -> Card:
    return card(root_version=document.version, root_digest=document.digest, **changes)


def reason(
    raw: bytes, document: RootDocument = ROOT, previous: Card | None = None, at: int = NOW
) -> str:
    with pytest.raises(CardRefused) as caught:
        accept_card(raw, document, previous, at)
    assert str(caught.value)
    return caught.value.reason


def test_a_card_is_accepted_beside_its_root_document() -> None:
    assert accept_card(signed_card(card()), ROOT, None, NOW) == card()


def test_a_newer_card_and_the_same_card_again_are_accepted() -> None:
    newer = card(serial=7)
    assert accept_card(signed_card(newer), ROOT, card(), NOW) == newer
    assert accept_card(signed_card(newer), ROOT, newer, NOW) == newer


def test_serials_never_go_back() -> None:
    assert reason(signed_card(card(serial=6)), previous=card(serial=7)) == "rollback"
    assert reason(signed_card(card(routes=())), previous=card()) == "fork"


def test_serials_that_a_thief_used_up_do_not_outlive_the_stolen_key() -> None:
    theirs = card(serial=2**53 - 1)
    assert reason(signed_card(card(serial=5)), previous=theirs) == "rollback"
    stolen = RevokedKey(kid=signer("card 1").kid, at=NOW, reason="stolen")
    document = root(
        version=2, keys=(key("card 2", "card"), key("log 1", "log")), revocations=(stolen,)
    )
    mine = under(document, serial=5)
    assert accept_card(signed_card(mine, "card 2"), document, theirs, NOW) == mine
    assert reason(signed_card(theirs), document, previous=mine) == "root"


def test_another_organisation_is_refused() -> None:
    assert reason(signed_card(card(organisation="other.example"))) == "organisation"


def test_a_card_names_its_root_document_by_version_and_digest() -> None:
    assert reason(signed_card(card(root_version=2))) == "root"
    assert reason(signed_card(card(root_digest="sha256:" + "0" * 64))) == "root"
    newer = root(version=2, issued=NOW + 1)
    assert reason(signed_card(card()), document=newer) == "root"


def test_no_card_is_believed_under_an_expired_root_document() -> None:
    document = root(expires=NOW + 60)
    raw = signed_card(under(document))
    assert accept_card(raw, document, None, NOW + 59)
    assert reason(raw, document, at=NOW + 60) == "expired"


def test_a_card_does_not_outlive_the_root_document_it_names() -> None:
    assert card().is_under(ROOT)
    assert not card().is_under(root(version=2, issued=NOW + 1))
    assert not card().is_under(root(issued=NOW + 1))


@pytest.mark.parametrize("name", ["root 1", "sign 1", "log 1", "other"])
def test_only_a_card_key_signs_cards(name: str) -> None:
    assert reason(signed_card(card(), name)) == "unknown-key"


def test_a_revoked_or_expired_card_key_signs_nothing() -> None:
    stolen = RevokedKey(kid=signer("card 1").kid, at=NOW, reason="stolen")
    others = (key("card 2", "card"), key("log 1", "log"))
    document = root(keys=others, revocations=(stolen,))
    assert reason(signed_card(under(document)), document) == "revoked-key"
    assert accept_card(signed_card(under(document), "card 1", "card 2"), document, None, NOW)
    for period in ({"not_after": NOW}, {"not_before": NOW + 1}):
        document = root(keys=(key("card 1", "card", **period), key("log 1", "log")))
        assert reason(signed_card(under(document)), document) == "expired-key"


def test_another_cards_signature_is_none() -> None:
    mine, other = signed_card(card()), signed_card(card(serial=2))
    mixed = mine.split(b'"signatures"')[0] + b'"signatures"' + other.split(b'"signatures"')[1]
    assert reason(mixed) == "signatures"


def test_a_card_lives_a_day_at_most() -> None:
    raw = signed_card(card())
    assert accept_card(raw, ROOT, None, NOW - 30)
    assert accept_card(raw, ROOT, None, NOW + DAY_S - 1)
    assert reason(raw, at=NOW - 31) == "early"
    assert reason(raw, at=NOW + DAY_S) == "expired"
    assert reason(signed_card(card(expires=NOW + DAY_S + 1))) == "lifetime"
    assert reason(signed_card(card(expires=NOW))) == "lifetime"


def test_a_card_cannot_send_questions_elsewhere() -> None:
    assert reason(signed_card(card(url="https://attacker.example:8443"))) == "authority"
    assert reason(signed_card(card(url="https://clinic.example"))) == "authority"


def test_the_log_key_is_one_of_the_root_documents() -> None:
    for name in ("sign 1", "other"):
        assert reason(signed_card(card(log_kid=signer(name).kid))) == "log-key"
    document = root(keys=(key("card 1", "card"), key("log 1", "log", not_after=NOW)))
    assert reason(signed_card(under(document)), document) == "log-key"


@pytest.mark.parametrize(
    "origin", ["clinic.example", "clinic.example/log", "clinic.example/interlingua-1800000000"]
)
def test_a_log_has_its_organisations_name(origin: str) -> None:
    made = card(log_origin=origin)
    assert accept_card(signed_card(made), ROOT, None, NOW).log_origin == origin


@pytest.mark.parametrize(
    "origin",
    ["x", "other.example/log", "clinic.example.org/log", "clinic.exampl", "CLINIC.example/log"],
)
def test_a_log_never_takes_another_organisations_name(origin: str) -> None:
    assert reason(signed_card(card(log_origin=origin))) == "log-origin"


def test_routes_are_found_by_direction_best_first() -> None:
    better = Route(
        space=FOREIGN.space_id,
        into=SPACE.space_id,
        adapter="sha256:" + "b" * 64,
        kind="procrustes",
        quality={"overlap_at_10": Figure.of(0.5, 0.45, 0.55)},
        held_out=500,
    )
    found = card(routes=(better, ROUTE)).routes_from(FOREIGN.space_id, SPACE.space_id)
    assert found == (better, ROUTE)
    assert card().routes_from(SPACE.space_id, FOREIGN.space_id) == ()
    assert card().routes_from(FOREIGN.space_id, FOREIGN.space_id) == ()
    assert card().routes_from(SPACE.space_id, SPACE.space_id) == ()


def test_a_figure_is_kept_in_thousandths() -> None:
    assert Figure.of(0.1234, 0.1, 0.2) == Figure(milli=123, low=100, high=200)
    assert Figure.of(0.5, 0.5, 0.5).milli == 500
    with pytest.raises(ValidationError):
        Figure.of(0.3, 0.1, 0.2)


def test_a_route_within_one_space_has_no_adapter_and_any_other_has() -> None:
    here, there = SPACE.space_id, FOREIGN.space_id
    assert Route(space=here, into=here, adapter=None, kind="identity")
    with pytest.raises(ValidationError):
        Route(space=here, into=here, adapter="sha256:" + "a" * 64, kind="ridge")
    with pytest.raises(ValidationError):
        Route(space=there, into=here, adapter=None, kind="identity")


FIELDS = card().model_dump(mode="json")


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"v": 2},
        {"v": True},
        {"serial": 0},
        {"serial": "1"},
        {"spaces": []},
        {"spaces": FIELDS["spaces"] * 2},
        {"spaces": [{**FIELDS["spaces"][0], "dimension": "4"}]},
        {"routes": [{**FIELDS["routes"][0], "into": FOREIGN.space_id}]},
        {
            "routes": [
                {**FIELDS["routes"][0], "quality": {"mrr": {"milli": 5, "low": 6, "high": 7}}}
            ]
        },
        {"routes": [{**FIELDS["routes"][0], "quality": {"Bad name": FIELDS}}]},
        {"log_origin": "a b"},
        {"log_origin": "a+b"},
        {"log_origin": ""},
        {"log_kid": "x"},
        {"url": "https://clinic.example:8443/path"},
        {"limits": {}},
    ],
)
def test_another_form_is_refused_even_if_signed(change: dict[str, Any]) -> None:
    raw = sign(dumps({**FIELDS, **change}), CARD_TYPE, [signer("card 1")])
    assert reason(raw) == "form"


def test_a_root_document_is_no_card() -> None:
    raw = sign(card().payload, "application/vnd.interlingua.root+json", [signer("card 1")])
    assert reason(raw) == "form"


@given(st.data())
def test_any_changed_byte_is_refused_by_name_or_changes_nothing(data: st.DataObject) -> None:
    raw = bytearray(signed_card(card()))
    at = data.draw(st.integers(min_value=0, max_value=len(raw) - 1))
    raw[at] = data.draw(st.integers(min_value=0, max_value=255))
    try:
        accepted = accept_card(bytes(raw), ROOT, None, NOW)
    except CardRefused:
        return
    assert accepted == card()


def test_spaces_are_found_by_id() -> None:
    both = card(spaces=(SPACE, envelope(pooling="cls")))
    assert both.by_space[SPACE.space_id] == SPACE
    assert len(both.by_space) == 2


def test_the_card_of_an_asker_only_organisation_has_no_address() -> None:
    under = root(url=None, authorities=())
    made = card(url=None, root_digest=under.digest)
    assert accept_card(signed_card(made), under, None, NOW).url is None


def test_card_and_root_document_have_an_address_both_or_neither() -> None:
    under = root(url=None, authorities=())
    for made, document in ((card(root_digest=under.digest), under), (card(url=None), root())):
        with pytest.raises(CardRefused) as refused:
            accept_card(signed_card(made), document, None, NOW)
        assert refused.value.reason == "authority"
