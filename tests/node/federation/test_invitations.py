"""Invitations: kept by digest, used once, bounded in number."""

from pathlib import Path

import pytest

from node.federation import invitations
from node.federation.errors import InvitationsDamaged, InvitationUsed, TooManyPairings
from node.federation.invitations import InvitationBook, Invited, Use
from protocol.invitation import PairingRefused, nonce_digest

NOW = 1_800_000_000
USE = Use(request="sha256:1", organisation="lab.example", root="k", at=NOW, outcome="received")


def invited(number: int, **fields: object) -> Invited:
    given = {
        "lookup": nonce_digest(str(number)),
        "root": "k",
        "organisation": None,
        "made_at": NOW + number,
        "made_by": "operator",
        "expires": NOW + 3600,
        **fields,
    }
    return Invited.model_validate(given)


def test_an_invitation_survives_a_restart_and_is_used_once(tmp_path: Path) -> None:
    path, one = tmp_path / "invitations.json", invited(1, organisation="lab.example")
    InvitationBook.open(path).add(one, NOW)
    book = InvitationBook.open(path)
    assert book.check(one.lookup, "lab.example", NOW) == one
    book.use(one.lookup, USE)
    again = InvitationBook.open(path)
    with pytest.raises(PairingRefused, match="used"):
        again.check(one.lookup, "lab.example", NOW)
    assert again.answered(one.lookup, "sha256:1") == again.all()[0]
    assert again.answered(one.lookup, "sha256:2") is None
    assert again.answered(invited(2).lookup, "sha256:1") is None


@pytest.mark.parametrize(
    ("number", "name", "at", "reason"),
    [
        (2, "lab.example", NOW, "invitation-unknown"),
        (1, "lab.example", NOW + 3600, "invitation-expired"),
        (1, "rival.example", NOW, "invitation-for-another"),
    ],
)
def test_who_may_not_answer_is_told_why(
    tmp_path: Path, number: int, name: str, at: int, reason: str
) -> None:
    book = InvitationBook.open(tmp_path / "invitations.json")
    book.add(invited(1, organisation="lab.example"), NOW)
    with pytest.raises(PairingRefused) as refused:
        book.check(invited(number).lookup, name, at)
    assert refused.value.reason == reason


def test_a_withdrawn_invitation_is_gone(tmp_path: Path) -> None:
    book = InvitationBook.open(tmp_path / "invitations.json")
    book.add(invited(1), NOW)
    assert book.withdraw(invited(1).id) == invited(1)
    for name in (invited(1).id, "", "sha256:"):
        with pytest.raises(PairingRefused):
            book.withdraw(name)
    assert InvitationBook.open(tmp_path / "invitations.json").all() == []


def test_an_invitation_that_was_used_stays_on_record(tmp_path: Path) -> None:
    book = InvitationBook.open(tmp_path / "invitations.json")
    book.add(invited(1), NOW)
    book.use(invited(1).lookup, USE)
    with pytest.raises(InvitationUsed, match=r"lab\.example") as refused:
        book.withdraw(invited(1).id)
    assert refused.value.fix.startswith("interlingua peer remove lab.example")
    assert len(book.all()) == 1


def test_open_invitations_and_kept_ones_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "MAX_OPEN", 3)
    monkeypatch.setattr(invitations, "MAX_KEPT", 5)
    book = InvitationBook.open(tmp_path / "invitations.json")
    for number in range(3):
        book.add(invited(number), NOW)
    with pytest.raises(TooManyPairings):
        book.add(invited(3), NOW)
    for number in range(3, 8):  # once the former ones have expired
        book.add(invited(number, expires=NOW + 9000), NOW + 3600 + 1000 * number)
        book.use(invited(number).lookup, USE)
    assert [each.made_at - NOW for each in book.all()] == [7, 6, 5, 4, 3]


@pytest.mark.parametrize("content", ["", "{", '{"v":2,"invitations":[]}', '{"invitations":[{}]}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "invitations.json"
    path.write_text(content)
    with pytest.raises(InvitationsDamaged, match=r"invitations\.json"):
        InvitationBook.open(path)
