"""Checkpoints: the canonical form is the only form, and only the right log's key is believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.signer import SeedSigner
from protocol.checkpoint import (
    Checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from protocol.limits import MAX_TREE_SIZE
from protocol.log_errors import LogMaterialError, MalformedCheckpoint, UntrustedNote, WrongOrigin
from protocol.note import VerifierKey, sign_note

ORIGIN = "clinic.example/interlingua"
SIGNER = SeedSigner.from_seed(bytes(range(32)))
KEY = VerifierKey(ORIGIN, SIGNER.public)
# The body of C2SP tlog-checkpoint's example.
SPEC_TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def test_the_specifications_example_is_read_and_written_back() -> None:
    checkpoint = parse_checkpoint(SPEC_TEXT)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == SPEC_TEXT


def test_a_signed_checkpoint_opens_under_its_logs_key() -> None:
    checkpoint = Checkpoint(ORIGIN, 7, bytes(32))
    raw = sign_checkpoint(checkpoint, SIGNER)
    assert raw.startswith(f"{ORIGIN}\n7\n".encode())
    assert open_checkpoint(raw, ORIGIN, KEY) == checkpoint


def test_another_logs_checkpoint_is_refused() -> None:
    other = sign_note(Checkpoint("bank.example/log", 7, bytes(32)).text(), ORIGIN, SIGNER)
    with pytest.raises(WrongOrigin):
        open_checkpoint(other, ORIGIN, KEY)
    foreign = sign_checkpoint(Checkpoint(ORIGIN, 7, bytes(32)), SeedSigner.generate())
    with pytest.raises(UntrustedNote):
        open_checkpoint(foreign, ORIGIN, KEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n7\n{ROOT}",
        f"\n7\n{ROOT}\n",
        f"{ORIGIN}\n07\n{ROOT}\n",
        f"{ORIGIN}\n+7\n{ROOT}\n",
        f"{ORIGIN}\n-7\n{ROOT}\n",
        f"{ORIGIN}\n 7\n{ROOT}\n",
        f"{ORIGIN}\n\u0667\n{ROOT}\n",
        f"{ORIGIN}\n{MAX_TREE_SIZE + 1}\n{ROOT}\n",
        f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n",
        f"{ORIGIN}\n7\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n7\nAAAA\n",
        f"{ORIGIN}\n7\n{ROOT}\n\n",
        f"{ORIGIN}\n7\n{ROOT}\nextension\n\nmore\n",
        f"{ORIGIN}\n7\n{ROOT}\nextension",
    ],
)
def test_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(MalformedCheckpoint):
        parse_checkpoint(text)


def test_an_unsigned_or_misformed_body_is_one_named_error() -> None:
    with pytest.raises(MalformedCheckpoint):
        open_checkpoint(sign_note("not a checkpoint\n", ORIGIN, SIGNER), ORIGIN, KEY)
    with pytest.raises(LogMaterialError):
        open_checkpoint(SPEC_TEXT.encode(), ORIGIN, KEY)


@given(st.text(max_size=80) | st.text(max_size=20).map(lambda t: f"{ORIGIN}\n7\n{ROOT}\n{t}\n"))
def test_parsing_gives_the_same_text_back_or_one_named_error(text: str) -> None:
    try:
        checkpoint = parse_checkpoint(text)
    except MalformedCheckpoint:
        return
    assert checkpoint.text() == text


def test_extension_lines_are_ignored_up_to_a_size_that_others_can_keep() -> None:
    for count, accepted in ((20, True), (60, False)):
        lines = tuple(f"an extension line of 36 bytes {n:06}" for n in range(count))
        note = sign_checkpoint(Checkpoint(ORIGIN, 7, bytes(32), lines), SIGNER)
        if accepted:
            assert open_checkpoint(note, ORIGIN, KEY).extensions == lines
        else:
            with pytest.raises(MalformedCheckpoint, match="at most"):
                open_checkpoint(note, ORIGIN, KEY)
