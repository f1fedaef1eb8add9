"""Key files: private from their first moment, whole, never overwritten, honest about themselves."""

import base64
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys.keyfile import (
    KeyFileDamaged,
    KeyFileError,
    KeyFileExists,
    KeyFileExposed,
    KeyFileMissing,
    KeyFileSealed,
    WrongPassphrase,
    is_sealed,
    read_key,
    read_secret,
    write_key,
    write_secret,
)
from keys.private_file import MAX_FILE_BYTES, write_private
from keys.signer import SeedSigner
from tests.keys.passphrases import cheap_passphrases

SIGNER = SeedSigner.from_seed(bytes(range(32)))
SECRET = bytes(range(100, 132))
PASSPHRASE = "correct horse, ünïcode".encode()


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Path]:
    with cheap_passphrases():
        path = tmp_path / "sealed.key"
        write_key(path, SIGNER, "sign", PASSPHRASE)
        yield path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "sign.key"
    write_key(path, SIGNER, "sign", None)
    return path


def unbase64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))


def test_a_plain_key_comes_back(plain: Path) -> None:
    assert read_key(plain, None).seed == SIGNER.seed
    assert read_key(plain, b"not needed", purpose="sign").seed == SIGNER.seed
    assert not is_sealed(plain)


def test_a_sealed_key_comes_back_with_its_passphrase_only(sealed: Path) -> None:
    assert is_sealed(sealed)
    assert read_key(sealed, PASSPHRASE).seed == SIGNER.seed
    with pytest.raises(KeyFileSealed, match="is sealed"):
        read_key(sealed, None)
    with pytest.raises(WrongPassphrase):
        read_key(sealed, PASSPHRASE + b" ")


def test_a_sealed_file_holds_neither_seed_nor_passphrase(sealed: Path) -> None:
    raw = sealed.read_bytes()
    assert PASSPHRASE not in raw
    assert SIGNER.seed.hex().encode() not in raw
    assert base64.urlsafe_b64encode(SIGNER.seed).rstrip(b"=") not in raw


def test_other_libraries_open_a_sealed_file_as_its_format_says(tmp_path: Path) -> None:
    path = tmp_path / "sign.key"
    write_key(path, SIGNER, "sign", PASSPHRASE)
    fields = json.loads(path.read_text())
    box = fields["sealed"]
    assert (box["kdf"], box["n"], box["r"], box["p"]) == ("scrypt", 2**17, 8, 1)
    key = hashlib.scrypt(
        PASSPHRASE, salt=unbase64(box["salt"]), n=2**17, r=8, p=1, maxmem=2**28, dklen=32
    )
    context = f"interlingua key file v1\nsign\n{SIGNER.kid}\n".encode()
    opened = AESGCM(key).decrypt(unbase64(box["nonce"]), unbase64(box["data"]), context)
    assert opened == SIGNER.seed


def test_two_sealings_of_one_secret_share_nothing(tmp_path: Path) -> None:
    paths = tmp_path / "a", tmp_path / "b"
    with cheap_passphrases():
        for path in paths:
            write_secret(path, SECRET, PASSPHRASE)
        assert read_secret(paths[0], PASSPHRASE) == SECRET
    boxes = [json.loads(path.read_text())["sealed"] for path in paths]
    assert all(boxes[0][name] != boxes[1][name] for name in ("salt", "nonce", "data"))


def test_a_master_secret_comes_back(tmp_path: Path) -> None:
    write_secret(tmp_path / "master.key", SECRET, None)
    assert read_secret(tmp_path / "master.key", None) == SECRET


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o277])
def test_a_key_file_is_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_key(tmp_path / "sign.key", SIGNER, "sign", None)
    finally:
        os.umask(before)
    assert (tmp_path / "sign.key").stat().st_mode & 0o7777 == 0o600
    assert read_key(tmp_path / "sign.key", None).kid == SIGNER.kid


def test_nothing_but_the_file_is_left_behind(plain: Path) -> None:
    assert [entry.name for entry in plain.parent.iterdir()] == ["sign.key"]


def test_an_existing_file_is_never_replaced(plain: Path) -> None:
    before = plain.read_bytes()
    with pytest.raises(KeyFileExists, match="was not replaced"):
        write_key(plain, SeedSigner.generate(), "sign", None)
    assert plain.read_bytes() == before
    assert [entry.name for entry in plain.parent.iterdir()] == ["sign.key"]


def test_of_many_writers_at_once_exactly_one_wins(tmp_path: Path) -> None:
    path, signers = tmp_path / "sign.key", [SeedSigner.generate() for _ in range(8)]
    outcomes: list[bool] = []
    start = threading.Barrier(len(signers))

    def write(signer: SeedSigner) -> None:
        start.wait()
        try:
            write_key(path, signer, "sign", None)
        except KeyFileExists:
            outcomes.append(False)
        else:
            outcomes.append(True)

    threads = [threading.Thread(target=write, args=(signer,)) for signer in signers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 7 + [True]
    assert read_key(path, None).kid in {signer.kid for signer in signers}


def test_a_dangling_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "sign.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileExists):
        write_key(tmp_path / "sign.key", SIGNER, "sign", None)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777])
def test_a_file_that_others_can_touch_is_refused(plain: Path, mode: int) -> None:
    plain.chmod(mode)
    with pytest.raises(KeyFileExposed, match="others may have read it") as refused:
        read_key(plain, None)
    assert refused.value.fix.startswith(f"chmod 600 {plain}")


def test_a_file_of_another_user_is_refused(plain: Path) -> None:
    """Only root can give a file away; whoever is not root finds one of root's everywhere."""
    if os.geteuid() == 0:
        os.chown(plain, 12_345, -1)
        foreign, owner = plain, 12_345
    else:
        foreign, owner = Path("/etc/passwd"), 0
    with pytest.raises(KeyFileExposed, match=f"belongs to user {owner}"):
        read_key(foreign, None)


def test_links_pipes_and_directories_are_refused_without_waiting(plain: Path) -> None:
    link, pipe = plain.with_name("link"), plain.with_name("pipe")
    link.symlink_to(plain)
    os.mkfifo(pipe, 0o600)
    for path in (link, pipe, plain.parent):
        with pytest.raises(KeyFileExposed):
            read_key(path, None)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileMissing, match=r"no .*sign\.key"):
        read_key(tmp_path / "sign.key", None)


def test_a_key_is_read_only_as_what_it_is(plain: Path, tmp_path: Path) -> None:
    write_secret(tmp_path / "master.key", SECRET, None)
    with pytest.raises(KeyFileDamaged, match="sign secret, not a card key"):
        read_key(plain, None, purpose="card")
    with pytest.raises(KeyFileDamaged, match="not a master secret"):
        read_secret(plain, None)
    with pytest.raises(KeyFileDamaged, match="master secret, not a signing key"):
        read_key(tmp_path / "master.key", None)


def test_a_public_part_that_is_not_the_seeds_is_refused(plain: Path) -> None:
    other = SeedSigner.generate()
    rewrite(plain, lambda fields: fields.update(kid=other.kid))
    with pytest.raises(KeyFileDamaged, match="not its seed's"):
        read_key(plain, None)


def test_a_sealed_key_cannot_be_passed_off_as_one_of_another_purpose(
    sealed: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "card.key"
    write_private(copy, sealed.read_bytes())
    rewrite(copy, lambda fields: fields.update(purpose="card"))
    with pytest.raises(WrongPassphrase):
        read_key(copy, PASSPHRASE, purpose="card")


@pytest.mark.parametrize(
    ("name", "value"), [("n", 2**14), ("n", 2**30), ("r", 9), ("p", 2), ("kdf", "pbkdf2")]
)
def test_other_scrypt_parameters_are_refused_before_they_cost_anything(
    sealed: Path, tmp_path: Path, name: str, value: object
) -> None:
    copy = tmp_path / "sign.key"
    write_private(copy, sealed.read_bytes())
    rewrite(copy, lambda fields: fields["sealed"].update({name: value}))
    with pytest.raises(KeyFileDamaged):
        read_key(copy, PASSPHRASE)


def test_an_empty_passphrase_and_a_short_secret_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="empty"):
        write_key(tmp_path / "sign.key", SIGNER, "sign", b"")
    with pytest.raises(ValueError, match="32"):
        write_secret(tmp_path / "master.key", b"short", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"v":1,"purpose":"sign"}',
        b'{"v":2,"purpose":"master","secret":"AAAA"}',
        b'{"v":1,"purpose":"master","secret":"AAAA"}',
        b'{"v":1,"purpose":"master","secret":"not base64!"}',
        b'{"v":1,"purpose":"master","secret":"' + b"A" * 44 + b'"}',
        b" " * (MAX_FILE_BYTES + 1),
    ],
)
def test_anything_else_is_damaged(tmp_path: Path, content: bytes) -> None:
    write_private(tmp_path / "x.key", content)
    with pytest.raises(KeyFileDamaged):
        read_secret(tmp_path / "x.key", None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_a_changed_file_is_read_rightly_or_refused_by_name(
    plain: Path, data: st.DataObject
) -> None:
    content = bytearray(plain.read_bytes())
    at = data.draw(st.integers(min_value=0, max_value=len(content) - 1))
    content[at] = data.draw(st.integers(min_value=0, max_value=255))
    damaged = plain.with_name("damaged.key")
    damaged.unlink(missing_ok=True)
    write_private(damaged, bytes(content))
    outcome = read_or_refusal(damaged)
    if isinstance(outcome, SeedSigner):
        assert outcome.seed == SIGNER.seed
    else:
        assert base64.urlsafe_b64encode(SIGNER.seed).decode().rstrip("=") not in outcome


def read_or_refusal(path: Path) -> SeedSigner | str:
    try:
        return read_key(path, None)
    except KeyFileError as error:
        return str(error)
