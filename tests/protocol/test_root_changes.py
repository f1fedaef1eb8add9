"""Each change makes a version that partners accept after the one before."""

import pytest

from keys.ring import KeyRecord
from protocol.limits import ROOT_LIFETIME_S
from protocol.root import RootDocument, RootRefused, accept_root
from protocol.root_changes import carried, named, successor, with_key, with_root, without_key
from tests.protocol.organisation import DAY_S, NOW, key, root, signed_root, signer

LATER = NOW + DAY_S

CARD_2 = KeyRecord.of(signer("card 2").public, "card", LATER, NOW + 365 * DAY_S)


def following(document: RootDocument, at: int = LATER) -> RootDocument:
    return successor(document, at, url=document.url, authorities=document.authorities)


def record(name: str, not_before: int) -> KeyRecord:
    return KeyRecord.of(signer(name).public, "sign", not_before, NOW + 365 * DAY_S)


def accepted(document: RootDocument, *names: str, at: int = LATER) -> RootDocument:
    return accept_root(signed_root(document, *names), None, root(), at)


def test_a_successor_is_one_version_on_and_lives_as_long_as_it_may() -> None:
    second = accepted(following(root()))
    assert (second.version, second.issued, second.expires) == (2, LATER, LATER + ROOT_LIFETIME_S)


def test_a_successor_is_never_issued_before_its_predecessor() -> None:
    assert following(root(), NOW - 5).issued == NOW


def test_keys_that_have_ended_are_left_out() -> None:
    ended = root(keys=(key("sign 1", "sign", not_after=NOW + 5), key("log 1", "log")))
    assert [each.purpose for each in following(ended).keys] == ["log"]


def test_a_new_key_stands_beside_the_old_one_which_ends_after_the_overlap() -> None:
    changed = accepted(with_key(following(root()), record("sign 2", LATER + 100), 50))
    periods = {each.kid: (each.not_before, each.not_after) for each in changed.keys}
    assert periods[signer("sign 1").kid][1] == LATER + 150
    assert periods[signer("sign 2").kid][0] == LATER + 100
    assert len(periods) == 4
    ring = changed.ring
    for at, name in ((LATER + 99, "sign 1"), (LATER + 100, "sign 2"), (LATER + 151, "sign 2")):
        assert ring.by_turn("sign", at)[0].kid == signer(name).kid


def test_an_overlap_never_lengthens_a_key() -> None:
    short = root(keys=(key("sign 1", "sign", not_after=LATER + 60),))
    changed = with_key(following(short), record("sign 2", LATER + 50), DAY_S)
    assert changed.keys[0].not_after == LATER + 60


def test_a_key_that_never_began_gives_way_to_one_that_begins_before() -> None:
    planned = with_key(following(root()), record("sign 2", LATER + DAY_S), 50)
    changed = with_key(planned, record("sign 3", LATER), 50)
    kids = {each.kid for each in changed.keys if each.purpose == "sign"}
    assert kids == {signer("sign 1").kid, signer("sign 3").kid}


def test_a_slow_clock_is_waited_for_before_a_key_signs() -> None:
    changed = with_key(following(root()), record("sign 2", LATER), DAY_S)
    ring = changed.ring
    assert ring.by_turn("sign", LATER + 29, slow_clock_s=30)[0].kid == signer("sign 1").kid
    assert ring.by_turn("sign", LATER + 30, slow_clock_s=30)[0].kid == signer("sign 2").kid


def test_a_revoked_key_is_named_no_more_and_stays_revoked() -> None:
    changed = accepted(without_key(following(root()), signer("sign 1").kid, LATER, "stolen"))
    assert signer("sign 1").kid not in changed.ring.records
    again = without_key(changed, signer("sign 1").kid, LATER + 1, "stolen again")
    assert again == changed
    assert changed.revocations[0].at == LATER


def test_another_root_key_is_accepted_from_the_old_and_the_new_one_together() -> None:
    new = KeyRecord.of(signer("root 2").public, "root", NOW, NOW + 365 * DAY_S)
    changed = with_root(following(root()), new)
    assert accepted(changed, "root 1", "root 2").roots[0].kid == signer("root 2").kid
    for alone in ("root 1", "root 2"):
        with pytest.raises(RootRefused):
            accepted(changed, alone)


def test_a_root_key_is_not_revoked_while_it_is_the_root() -> None:
    with pytest.raises(ValueError, match="next"):
        without_key(following(root()), signer("root 1").kid, LATER, "stolen")


def test_all_keys_of_a_history_are_known_as_the_newest_version_names_them() -> None:
    first = root()
    second = with_key(following(first), record("sign 2", LATER), 50)
    third = following(second, LATER + DAY_S)
    known = named([first, second, third])
    assert known[signer("sign 1").kid].not_after == LATER + 50
    assert signer("sign 2").kid in known


def test_what_a_draft_changes_beyond_the_accepted_version_is_carried_onto_it() -> None:
    second = with_key(following(root()), record("sign 2", LATER + 100), 50)
    draft = with_key(without_key(second, signer("card 1").kid, LATER, "stolen"), CARD_2, 50)
    waiting = carried(draft, second, named([root(), second]))
    assert waiting is not None
    assert signer("card 1").kid in waiting.ring.revocations
    assert set(waiting.ring.records) == set(draft.ring.records)
    third = accept_root(signed_root(following(waiting)), None, second, LATER)
    assert third.version == 3


def test_a_draft_that_is_in_force_leaves_nothing_to_carry() -> None:
    second = without_key(following(root()), signer("card 1").kid, LATER, "stolen")
    assert carried(second, second, named([root(), second])) is None
    assert carried(following(root()), second, named([root(), second])) is None


def test_a_key_that_was_revoked_meanwhile_is_not_carried() -> None:
    draft = with_key(following(root()), record("sign 2", LATER), 50)
    second = without_key(following(root()), signer("sign 2").kid, LATER, "stolen")
    assert carried(draft, second, named([root(), second])) is None


def test_a_new_root_key_is_carried() -> None:
    new = KeyRecord.of(signer("root 2").public, "root", NOW, NOW + 365 * DAY_S)
    second = following(root())
    waiting = carried(with_root(second, new), second, named([root(), second]))
    assert waiting is not None
    assert [each.kid for each in waiting.roots] == [new.kid]
