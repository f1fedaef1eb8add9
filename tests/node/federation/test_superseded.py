"""Root documents that newer ones replaced are kept for audits."""

from pathlib import Path

from node.federation.superseded import keep, kept, organisations
from protocol.root_history import every_key
from tests.protocol.organisation import DAY_S, NOW, key, root, signed_root, signer

FIRST = signed_root(root()).decode()
SECOND = signed_root(root(version=2, issued=NOW + DAY_S, keys=(key("sign 2", "sign"),))).decode()


def test_documents_are_given_back_in_the_order_of_their_issue(tmp_path: Path) -> None:
    keep(tmp_path, "clinic.example", [SECOND, FIRST])
    keep(tmp_path, "clinic.example", [FIRST])
    documents, damaged = kept(tmp_path, "clinic.example")
    assert [document.version for document in documents] == [1, 2]
    assert damaged == []
    assert organisations(tmp_path) == ["clinic.example"]


def test_a_partner_that_begins_anew_has_two_first_versions(tmp_path: Path) -> None:
    other = signed_root(root(keys=(key("sign 3", "sign"),), issued=NOW + 1)).decode()
    keep(tmp_path, "clinic.example", [FIRST, other])
    assert len(kept(tmp_path, "clinic.example")[0]) == 2


def test_a_damaged_file_is_said_and_the_others_serve(tmp_path: Path) -> None:
    keep(tmp_path, "clinic.example", [FIRST, SECOND])
    next((tmp_path / "roots" / "clinic.example").glob("1.*")).write_bytes(b"{")
    documents, damaged = kept(tmp_path, "clinic.example")
    assert [document.version for document in documents] == [2]
    assert len(damaged) == 1


def test_nothing_is_kept_of_a_stranger(tmp_path: Path) -> None:
    assert kept(tmp_path, "other.example") == ([], [])
    assert organisations(tmp_path) == []


def test_every_key_that_was_named_is_known(tmp_path: Path) -> None:
    keep(tmp_path, "clinic.example", [FIRST, SECOND])
    ring = every_key(kept(tmp_path, "clinic.example")[0])
    assert {signer(name).kid for name in ("sign 1", "sign 2", "log 1")} <= set(ring.records)
