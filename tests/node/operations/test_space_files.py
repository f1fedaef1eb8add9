"""Which members' embeddings a joining goes by, of those given and those known from before."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from node.operations.errors import translate
from node.operations.exit_codes import ExitCode
from node.operations.space_files import beside_known, read_members
from node.spaces.create import check_members
from node.spaces.errors import EmbeddingsRefused, NoManifest
from node.spaces.shared_folder import EMBEDDINGS, manifest_in
from tests.adapters.worlds import unit
from tests.node.spaces.consortium import anchor_set, members

A, B, C = members()
B_AGAIN = replace(B, document=unit(B.document + 0.01))


def test_what_is_given_replaces_what_was_known_and_oneself_is_no_other() -> None:
    assert beside_known(A, [B, C], [B_AGAIN, A, B_AGAIN]) == [B_AGAIN, C]


def test_a_file_in_anothers_name_is_not_taken_for_the_others_own() -> None:
    for given in ([B, B_AGAIN], [B_AGAIN, B]):
        with pytest.raises(EmbeddingsRefused, match=r"two files are from b\.example"):
            check_members(anchor_set(), [A, *beside_known(A, [], given)])


def test_of_a_folder_only_files_of_the_wanted_texts_are_read(tmp_path: Path) -> None:
    (tmp_path / f"b{EMBEDDINGS}").write_bytes(B.encoded)
    os.mkfifo(tmp_path / f"a{EMBEDDINGS}")  # nobody writes into it: to open it would never end
    assert [each.digest for each in read_members([tmp_path], A.anchors)] == [B.digest]
    assert read_members([tmp_path], "sha256:" + "0" * 64) == []


def test_junk_among_members_files_is_named(tmp_path: Path) -> None:
    (tmp_path / f"b{EMBEDDINGS}").write_bytes(B.encoded)
    (tmp_path / f"notes{EMBEDDINGS}").write_bytes(b"see you at nine")
    with pytest.raises(EmbeddingsRefused, match=rf"notes{EMBEDDINGS}: ") as refused:
        read_members([tmp_path], A.anchors)
    assert refused.value.fix
    with pytest.raises(NoManifest) as empty:
        manifest_in(tmp_path)
    assert translate(empty.value).exit_code == ExitCode.USAGE
