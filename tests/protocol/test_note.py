"""Signed notes: the specification's examples, our own round trip, and everything refused."""

import base64

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keys.signer import SeedSigner
from protocol.limits import MAX_HELD_NOTE_CHARS, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES
from protocol.log_errors import MalformedNote, UntrustedNote
from protocol.note import (
    Note,
    NoteSignature,
    VerifierKey,
    is_key_name,
    open_note,
    parse_note,
    sign_note,
    trimmed,
)

# The example of C2SP signed-note, "Verifier keys".
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mF"
    "XmRKuwHjG1Yu72IneyaQM=\n"
).encode()
SIGNER = SeedSigner.from_seed(bytes(range(32)))
KEY = VerifierKey("clinic.example/log", SIGNER.public)


def test_the_specifications_example_verifies() -> None:
    key = VerifierKey.parse(SPEC_KEY)
    assert str(key) == SPEC_KEY
    assert open_note(SPEC_NOTE, [key]) == ("This is an example message.\n", (key,))


def test_a_signed_note_opens_under_its_key_only() -> None:
    raw = sign_note("one\n\ntwo — è\n", KEY.name, SIGNER)
    assert open_note(raw, [KEY])[0] == "one\n\ntwo — è\n"
    with pytest.raises(UntrustedNote, match="no trusted key"):
        open_note(raw, [])
    with pytest.raises(UntrustedNote, match="no trusted key"):
        open_note(raw, [VerifierKey("clinic.example/other", SIGNER.public)])


def test_an_unknown_keys_line_is_ignored_and_a_known_keys_bad_line_is_fatal() -> None:
    note = parse_note(sign_note("text\n", KEY.name, SIGNER))
    stranger = NoteSignature("witness.example", b"\x01\x02\x03\x04", b"anything")
    assert open_note(Note(note.text, (stranger, *note.signatures)).encode(), [KEY])[1] == (KEY,)
    forged = NoteSignature(KEY.name, KEY.key_id, bytes(64))
    with pytest.raises(UntrustedNote, match="does not verify"):
        open_note(Note(note.text, (*note.signatures, forged)).encode(), [KEY])


def test_any_changed_byte_is_refused() -> None:
    raw = sign_note("example\n12\n", KEY.name, SIGNER)
    for place in range(len(raw)):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises((MalformedNote, UntrustedNote)):
            open_note(changed, [KEY])
        with pytest.raises((MalformedNote, UntrustedNote)):
            open_note(raw[:place], [KEY])


LINE = f"— {KEY.name} {base64.b64encode(bytes(68)).decode()}\n"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "blank line"),
        (b"text\n", "blank line"),
        (f"text\n{LINE}".encode(), "blank line"),
        (b"text\n\n", "complete signature line"),
        (f"text\n\n{LINE[:-1]}".encode(), "complete signature line"),
        (f"text\n\n{LINE}\n".encode(), "complete signature line"),
        (f"text\n\n{LINE}more\n".encode(), "em dash"),
        (f"text\n\n-{LINE[1:]}".encode(), "em dash"),
        (f"text\n\n— {KEY.name}\n".encode(), "reads"),
        (f"text\n\n— a+b {LINE.split()[2]}\n".encode(), "reads"),
        (f"text\n\n—  {LINE.split()[2]}\n".encode(), "reads"),
        (f"text\n\n— a\u00a0b {LINE.split()[2]}\n".encode(), "reads"),
        (f"text\n\n— {KEY.name} AAAAAA==\n".encode(), "reads"),
        (f"text\n\n— {KEY.name} AAAAAAB=\n".encode(), "reads"),
        (f"text\n\n— {KEY.name} AAAA AAAA\n".encode(), "reads"),
        (f"text\r\n\n{LINE}".encode(), "control"),
        (f"te\x00xt\n\n{LINE}".encode(), "control"),
        (b"te\xffxt\n\n" + LINE.encode(), "UTF-8"),
        (f"text\n\n{LINE * (MAX_NOTE_SIGNATURES + 1)}".encode(), "at most"),
        (b"x" * (MAX_NOTE_BYTES + 1), "at most"),
    ],
)
def test_what_is_not_a_note_is_refused_with_a_reason(raw: bytes, why: str) -> None:
    with pytest.raises(MalformedNote, match=why):
        parse_note(raw)


@given(st.text(st.one_of(st.characters(), st.sampled_from("a+ \n\x00\x1f\x85\u2028")), max_size=5))
def test_a_key_name_has_neither_space_nor_plus_sign_nor_control_character(name: str) -> None:
    sound = [c != "+" and not c.isspace() and c >= " " for c in name]
    assert is_key_name(name) == (bool(sound) and all(sound))


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda t: f"{t}\n\n{LINE}".encode()))
def test_parsing_gives_the_same_bytes_back_or_one_named_error(raw: bytes) -> None:
    try:
        note = parse_note(raw)
    except MalformedNote:
        return
    assert note.encode() == raw


@pytest.mark.parametrize("text", ["no newline", "a\rb\n", "\x00\n", ""])
def test_a_text_that_no_note_can_carry_is_not_signed(text: str) -> None:
    with pytest.raises(MalformedNote):
        sign_note(text, KEY.name, SIGNER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+530d903a",
        SPEC_KEY.replace("530d903a", "530d903b"),
        SPEC_KEY.replace("530d903a", "530D903A"),
        SPEC_KEY.replace("foo", "bar"),
        SPEC_KEY[:-1],
        SPEC_KEY.replace("+A", "+B"),
        SPEC_KEY + "=",
    ],
)
def test_a_damaged_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        VerifierKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\tb"])
def test_a_name_that_cannot_stand_in_a_signature_line_is_refused(name: str) -> None:
    with pytest.raises(MalformedNote):
        VerifierKey(name, SIGNER.public)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from((60, 700, 3_000))), max_size=20),
    st.lists(st.integers(0, 20), min_size=1, max_size=3),
)
def test_what_is_kept_of_a_note_is_bounded_and_verifies_as_before(
    others: list[tuple[int, int]], places: list[int]
) -> None:
    own = parse_note(sign_note("one\n", KEY.name, SIGNER)).signatures[0]
    lines = [NoteSignature(f"stranger/{n}", b"none", bytes(size)) for n, size in others]
    for place in places:
        lines.insert(place, own)
    raw = Note("one\n", tuple(lines)).encode()
    assume(len(raw) <= MAX_NOTE_BYTES)
    kept = trimmed(raw, [KEY])
    assert len(kept) <= MAX_HELD_NOTE_CHARS
    assert open_note(kept, [KEY]) == open_note(raw, [KEY])
    assert kept == raw or len(raw) > MAX_HELD_NOTE_CHARS
    remaining = iter(lines)
    assert all(line in remaining for line in parse_note(kept).signatures), "in their order"
