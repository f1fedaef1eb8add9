"""What takes a shared space's place needs the consent of as many of its members as it needed."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from keys.signer import SeedSigner
from node.spaces.errors import ManifestRefused, NoManifest, ReplacementRefused, SpaceExists
from node.spaces.manifest import SpaceManifest, countersign, read_manifest, sign_manifest
from node.spaces.replacing import Formers, accept_space
from node.spaces.shared_folder import manifest_in
from node.spaces.spaces import Spaces
from tests.node.spaces.consortium import AT, created, joining_of, members, ring

SIGNERS = {name: SeedSigner.from_seed(name.encode() * 16) for name in ("aa", "bb", "cc", "dd")}
RINGS = {f"{name[0]}.example": ring(signer) for name, signer in SIGNERS.items()}
DIGEST = "sha256:" + "5" * 64


def manifest(name: str, **changes: object) -> SpaceManifest:
    fields = {**created()[0].model_dump(), "name": name, **changes}
    return SpaceManifest.model_validate(fields)


def signed(made: SpaceManifest, *names: str) -> bytes:
    return sign_manifest(made, [SIGNERS[name] for name in names])


COMMONS = manifest("commons", threshold=2)


def accepted(
    raw: bytes,
    joined: SpaceManifest | None = COMMONS,
    beside: Mapping[str, bytes] | None = None,
) -> SpaceManifest:
    held = {} if joined is None else {joined.digest: joined}
    return accept_space(raw, Formers(held, beside or {}), RINGS.get, AT)


def test_a_single_member_cannot_replace_a_space_that_needs_two_whatever_its_own_rule_says() -> None:
    taken_over = manifest("renewed", author="c.example", replaces=COMMONS.digest)
    assert taken_over.threshold == 1
    with pytest.raises(
        ReplacementRefused, match=r"commons, which needs .* 2 of the 3 .*; 1 verify"
    ):
        accepted(signed(taken_over, "cc"))


def test_strangers_to_the_former_space_do_not_count_however_many_sign() -> None:
    founders = [
        {**each, "organisation": name}
        for each, name in zip(
            created()[0].model_dump()["founders"],
            ("c.example", "d.example", "a.example"),
            strict=True,
        )
    ]
    former = manifest("commons", threshold=3)
    newer = manifest("renewed", author="d.example", founders=founders, replaces=former.digest)
    with pytest.raises(ReplacementRefused, match=r"; 2 verify"):
        accepted(signed(newer, "aa", "cc", "dd"), former)


def test_as_many_as_it_needed_may_replace_it_also_one_who_is_no_member_any_more() -> None:
    founders = created()[0].model_dump()["founders"][1:]
    newer = manifest("renewed", author="b.example", founders=founders, replaces=COMMONS.digest)
    assert newer.signatories == {"b.example", "c.example"}
    raw = signed(newer, "bb")
    with pytest.raises(ManifestRefused, match="neither author nor founder"):
        countersign(raw, "a.example", [SIGNERS["aa"]])
    raw = countersign(raw, "a.example", [SIGNERS["aa"]], COMMONS)
    assert accepted(raw) == newer


def test_its_own_rule_holds_besides() -> None:
    newer = manifest("renewed", threshold=3, replaces=COMMONS.digest)
    with pytest.raises(ManifestRefused, match="needs 3 valid signatures"):
        accepted(signed(newer, "aa", "bb"))
    assert accepted(signed(newer, "aa", "bb", "cc")) == newer


def test_a_manifest_in_between_does_not_launder_what_the_first_refuses() -> None:
    between = manifest("between", author="c.example", replaces=COMMONS.digest)
    newer = manifest("renewed", author="c.example", replaces=between.digest)
    beside = {between.digest: signed(between, "cc")}
    with pytest.raises(ReplacementRefused, match="between replaces commons"):
        accepted(signed(newer, "cc"), beside=beside)


def test_who_has_not_joined_the_former_one_needs_it_beside_and_it_must_count_too() -> None:
    newer = signed(manifest("renewed", replaces=COMMONS.digest), "aa", "bb")
    with pytest.raises(ReplacementRefused, match="has not joined"):
        accepted(newer, joined=None)
    with pytest.raises(ManifestRefused, match="commons needs 2 valid signatures"):
        accepted(newer, joined=None, beside={COMMONS.digest: signed(COMMONS, "aa")})
    beside = {COMMONS.digest: signed(COMMONS, "aa", "cc")}
    assert accepted(newer, joined=None, beside=beside).name == "renewed"


def test_a_manifest_that_replaces_none_says_nothing_of_it_and_reads_as_before() -> None:
    alone = manifest("renewed")
    assert b"replaces" not in alone.payload
    assert accepted(signed(alone, "aa")) == alone
    other = manifest("renewed", replaces=DIGEST)
    assert read_manifest(signed(other, "aa")).replaces == DIGEST


def test_one_space_is_not_taken_over_by_another_manifest_of_the_same_positions(
    tmp_path: Path,
) -> None:
    """Same name and consensus, so the same space: but one signature instead of two."""
    spaces = kept(tmp_path, COMMONS)
    with pytest.raises(SpaceExists, match="does not say to replace"):
        spaces.check_name(manifest("commons"))
    spaces.check_name(COMMONS)
    spaces.check_name(manifest("commons", replaces=COMMONS.digest))


def kept(folder: Path, space: SpaceManifest) -> Spaces:
    for name in ("spaces", "adapters"):
        (folder / name).mkdir()
    spaces = Spaces.open(folder / "spaces", folder / "adapters")
    joining = joining_of(members()[0])
    spaces.keep(space, signed(space, "aa", "bb"), created()[1].encoded, joining, [])
    return spaces


def test_in_a_folder_the_one_that_no_other_replaces_is_meant(tmp_path: Path) -> None:
    newer = manifest("renewed", replaces=COMMONS.digest)
    for each in (COMMONS, newer):
        (tmp_path / f"{each.name}.space.json").write_bytes(signed(each, "aa"))
    assert manifest_in(tmp_path).name == "renewed.space.json"
    (tmp_path / "more.space.json").write_bytes(b"{}")
    with pytest.raises(NoManifest, match="several"):
        manifest_in(tmp_path)
