"""Keys in a real token: found by id, made there, refused where they are not whole."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from keys.signer import Signer, verify
from node.hsm.errors import HsmKeyUnusable, HsmPinRefused, HsmUnavailable
from node.hsm.signer import TokenSigner
from node.hsm.token import Token
from node.hsm.token_keys import TokenKeys
from tests.keys.signer_contract import SignerContract
from tests.node.hsm.softhsm import LABELS, PIN, SoftHsm

INSTALLED = importlib.util.find_spec("pkcs11") is not None


class TestTokenSigner(SignerContract):
    @pytest.fixture
    def signer(self, softhsm: SoftHsm) -> Signer:
        return softhsm.keys().create("sign")


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)  # as where it is not installed
    with pytest.raises(HsmUnavailable, match="not installed") as refused:
        TokenKeys(Token(Path("any.so"), "any", str), {"sign": "x"}).pairs("sign")
    assert refused.value.fix == "pip install 'interlingua[hsm]'"


def test_a_key_is_found_by_its_id_among_its_generations(softhsm: SoftHsm) -> None:
    keys = softhsm.keys()
    made = [keys.create("sign") for _ in range(3)]
    assert set(keys.pairs("sign")) == {signer.kid for signer in made}
    for signer in made:
        found = keys.open("sign", signer.kid)
        assert found is not None
        assert (found.public, found.sign(b"text")) == (signer.public, signer.sign(b"text"))
    assert keys.open("sign", "unknown") is None
    assert keys.open("card", made[0].kid) is None, "another purpose"
    assert keys.pairs("root") == {}, "its keys are files"


def test_a_key_is_seen_without_a_pin(softhsm: SoftHsm) -> None:
    made = softhsm.keys().create("sign")
    label = made._label

    def pin() -> str:
        raise AssertionError("asked for the PIN")

    keys = TokenKeys(Token(softhsm.module, LABELS[0], pin), {"sign": label})
    assert keys.at_hand("sign", made.kid)
    assert not keys.at_hand("card", made.kid)


def test_a_key_that_was_made_here_cannot_leave_the_token(softhsm: SoftHsm) -> None:
    keys = softhsm.keys()
    kid = keys.create("sign").kid
    assert not keys.pairs("sign")[kid].copyable


def test_a_removed_key_signs_no_more(softhsm: SoftHsm) -> None:
    keys = softhsm.keys()
    kept, removed = keys.create("sign"), keys.create("sign")
    removed.sign(b"text")
    keys.remove("sign", removed.kid)
    keys.remove("sign", removed.kid)
    assert set(keys.pairs("sign")) == {kept.kid}
    with pytest.raises(HsmKeyUnusable, match=removed.kid):
        TokenSigner(*(getattr(removed, name) for name in ARGUMENTS)).sign(b"text")


ARGUMENTS = ("_token", "_label", "_key_id", "public")


def test_a_wrong_signature_does_not_leave(softhsm: SoftHsm) -> None:
    keys = softhsm.keys()
    one, other = keys.create("sign"), keys.create("sign")
    token, label, _, public = (getattr(one, name) for name in ARGUMENTS)
    with pytest.raises(HsmKeyUnusable, match="wrong signature"):
        TokenSigner(token, label, other._key_id, public).sign(b"text")


def test_a_lost_session_is_opened_anew(softhsm: SoftHsm) -> None:
    signer = softhsm.keys(LABELS[1]).create("sign")
    signer.sign(b"text")

    def lose(session: Any) -> None:
        session.close()

    signer._token.use(lose)
    assert verify(signer.public, signer.sign(b"text"), b"text")


def test_an_existing_key_without_an_id_is_used(softhsm: SoftHsm) -> None:
    keys = softhsm.keys()
    signer = keys.create("sign")

    def forget_id(session: Any) -> None:
        from pkcs11 import Attribute

        for half in list(session.get_objects({Attribute.LABEL: keys._labels["sign"]})):
            half[Attribute.ID] = b""

    keys._token.use(forget_id)
    found = keys.open("sign", signer.kid)
    assert found is not None
    assert verify(signer.public, found.sign(b"text"), b"text")


def test_two_pairs_of_one_id_are_refused(softhsm: SoftHsm) -> None:
    keys = softhsm.keys()
    keys.create("sign")
    keys.create("sign")

    def same_id(session: Any) -> None:
        from pkcs11 import Attribute

        for half in list(session.get_objects({Attribute.LABEL: keys._labels["sign"]})):
            half[Attribute.ID] = b"same"

    keys._token.use(same_id)
    with pytest.raises(HsmKeyUnusable, match="one CKA_ID"):
        keys.pairs("sign")


def test_half_a_pair_is_refused(softhsm: SoftHsm) -> None:
    keys = softhsm.keys()
    keys.create("sign")

    def halve(session: Any) -> None:
        from pkcs11 import ObjectClass

        session.get_key(object_class=ObjectClass.PUBLIC_KEY, label=keys._labels["sign"]).destroy()

    keys._token.use(halve)
    with pytest.raises(HsmKeyUnusable, match="1 private and 0 public"):
        keys.pairs("sign")


def test_a_key_of_another_kind_is_refused(softhsm: SoftHsm) -> None:
    keys = softhsm.keys()

    def make_rsa(session: Any) -> None:
        from pkcs11 import KeyType

        session.generate_keypair(
            KeyType.RSA, 1024, id=b"rsa", label=keys._labels["sign"], store=True
        )

    keys._token.use(make_rsa)
    with pytest.raises(HsmKeyUnusable):
        keys.pairs("sign")


def test_a_refused_pin_is_not_tried_again(softhsm: SoftHsm) -> None:
    asked: list[str] = []

    def pin() -> str:
        asked.append("once")
        return "0000-wrong"

    for _ in range(3):
        with pytest.raises(HsmPinRefused) as refused:
            TokenKeys(Token(softhsm.module, LABELS[2], pin), {"sign": "x"}).pairs("sign")
        assert "0000-wrong" not in str(refused.value)
    assert asked == ["once"]


def test_a_token_that_is_not_there_is_named(softhsm: SoftHsm) -> None:
    with pytest.raises(HsmUnavailable, match="no token nowhere") as refused:
        TokenKeys(Token(softhsm.module, "nowhere", lambda: PIN), {"sign": "x"}).pairs("sign")
    assert "hsm.token" in refused.value.fix


@pytest.mark.skipif(not INSTALLED, reason="the extra hsm is not installed (make hsm)")
@pytest.mark.parametrize("content", [None, b"no library"])
def test_a_module_that_cannot_be_loaded_is_named(tmp_path: Path, content: bytes | None) -> None:
    module = tmp_path / "module.so"
    if content is not None:
        module.write_bytes(content)
    with pytest.raises(HsmUnavailable, match=r"module\.so cannot be loaded") as refused:
        TokenKeys(Token(module, "any", lambda: PIN), {"sign": "x"}).pairs("sign")
    assert "hsm.module" in refused.value.fix
    assert os.environ.get("INTERLINGUA_HSM_PIN") is None
