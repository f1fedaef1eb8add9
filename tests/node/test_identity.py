"""Who the node is: made once, renewed in order, refused when its parts do not belong together."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from keys.keyfile import KeyFileExposed, WrongPassphrase, is_sealed, read_key
from keys.words import fingerprint
from node.clock import system_clock
from node.config import Settings
from node.creation import create_node
from node.identity import Identity, authorities_of
from node.identity_errors import IdentityDamaged
from node.operations.errors import Conflict
from node.passphrase import VARIABLE, Passphrase, PassphraseMissing
from protocol.limits import ROOT_LIFETIME_S
from protocol.root import accept_root
from tests.conftest import MakeNode, NewNode
from tests.keys.passphrases import cheap_passphrases


def opened(new: NewNode, at: int | None = None, **settings: object) -> Identity:
    """Open the identity at a time, by default now."""
    chosen = new.settings.model_copy(update=settings)
    return Identity.open(new.data, chosen, Passphrase(), system_clock if at is None else lambda: at)


def test_a_new_node_has_a_root_document_that_partners_accept(new_node: NewNode) -> None:
    identity = opened(new_node)
    pin = identity.root.roots[0]
    accepted = accept_root(
        identity.root_raw, pin.kid, None, system_clock(), organisation="clinic.example"
    )
    assert {key.purpose for key in accepted.keys} == {"card", "sign", "log", "witness"}
    assert accepted.authorities == ("127.0.0.1:8440",)
    assert new_node.fingerprint.split() == fingerprint(pin.record.public)


def test_every_key_that_is_named_is_at_hand(new_node: NewNode) -> None:
    identity = opened(new_node)
    identity.unlock()
    for purpose in ("card", "sign", "log"):
        assert identity.signer(purpose).kid == identity.kid(purpose)
    assert identity.signer("root").kid == identity.root.roots[0].kid
    assert len(identity.master()) == 32


def test_making_a_node_overwrites_nothing(new_node: NewNode) -> None:
    before = new_node.data.key_file("root").read_bytes()
    with pytest.raises(Conflict):
        create_node(new_node.data, new_node.settings, "", None, system_clock())
    assert new_node.data.key_file("root").read_bytes() == before


def test_a_half_made_node_is_not_continued(new_node: NewNode) -> None:
    new_node.data.config_file.unlink()
    with pytest.raises(Conflict):
        create_node(new_node.data, new_node.settings, "", None, system_clock())


def test_renewal_goes_one_version_on_and_keeps_the_earlier_ones(new_node: NewNode) -> None:
    first = opened(new_node)
    later = system_clock() + ROOT_LIFETIME_S - 86_400
    identity = opened(new_node, later)
    assert identity.renewal_due()
    second = identity.renew_root()
    assert accept_root(identity.root_raw, None, first.root, later) == second
    assert second.expires == later + ROOT_LIFETIME_S
    assert not identity.renewal_due()
    assert identity.root_version(1) == first.root_raw
    assert identity.root_version(3) is None
    assert opened(new_node, later).root == second


def test_a_fresh_document_is_not_renewed(new_node: NewNode) -> None:
    assert not opened(new_node).renewal_due()


def test_another_address_is_a_reason_to_renew(new_node: NewNode) -> None:
    identity = opened(new_node, url="https://clinic.example", authorities=("old.example:8440",))
    assert identity.renewal_due()
    renewed = identity.renew_root()
    assert renewed.url == "https://clinic.example"
    assert renewed.authorities == ("clinic.example", "old.example:8440")


def test_without_the_root_key_the_node_says_that_it_has_none(new_node: NewNode) -> None:
    new_node.data.key_file("root").unlink()
    assert not opened(new_node).has_root_key


def test_the_settings_cannot_rename_an_organisation(new_node: NewNode) -> None:
    with pytest.raises(IdentityDamaged, match="settings name"):
        opened(new_node, organisation="other.example")


def test_a_changed_root_document_is_refused(new_node: NewNode) -> None:
    pin = opened(new_node).root.roots[0].kid
    path = new_node.data.root_file(1)
    envelope = json.loads(path.read_bytes())
    (signed,) = (one for one in envelope["signatures"] if one["keyid"] == pin)
    signed["sig"] = ("B" if signed["sig"][0] == "A" else "A") + signed["sig"][1:]
    path.write_text(json.dumps(envelope))
    with pytest.raises(IdentityDamaged):
        opened(new_node)


def test_no_root_document_is_named(new_node: NewNode) -> None:
    new_node.data.root_file(1).unlink()
    with pytest.raises(IdentityDamaged):
        opened(new_node)


def test_a_key_of_another_node_is_refused(make_node: MakeNode) -> None:
    one, other = make_node("one.example"), make_node("other.example")
    one.data.key_file("sign").unlink()
    other.data.key_file("sign").rename(one.data.key_file("sign"))
    with pytest.raises(IdentityDamaged, match="sign"):
        opened(one).signer("sign")


def test_keys_that_others_may_read_are_refused(new_node: NewNode) -> None:
    new_node.data.key_file("sign").chmod(0o640)
    with pytest.raises(KeyFileExposed):
        opened(new_node).unlock()


def test_sealed_keys_open_with_their_passphrase_only(
    make_node: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cheap_passphrases():
        new = make_node(passphrase=b"correct horse")
        with pytest.raises(PassphraseMissing):
            opened(new).signer("sign")
        monkeypatch.setenv(VARIABLE, "wrong horse")
        with pytest.raises(WrongPassphrase):
            opened(new).signer("sign")
        monkeypatch.setenv(VARIABLE, "correct horse")
        one = opened(new)
        assert one.signer("sign").kid == one.kid("sign")
        assert (
            len(one.files.content()) == 32
        )  # made when it is first needed, and sealed as they are
        assert is_sealed(new.data.content_key_file)


def test_the_own_authority_comes_first_and_once() -> None:
    settings = Settings(
        organisation="a.example",
        url="https://a.example:443",
        authorities=("b.example", "a.example"),
    )
    assert authorities_of(settings) == ("a.example", "b.example")


def test_no_secret_is_in_the_documents(new_node: NewNode) -> None:
    path = Path(new_node.data.key_file("sign"))
    seed = read_key(path, None).seed
    forms = (seed, base64.urlsafe_b64encode(seed).rstrip(b"="))
    files = [each for each in new_node.path.rglob("*") if each.is_file()]
    assert {each for each in files if any(form in each.read_bytes() for form in forms)} == {path}
