"""Key files: one secret of 32 bytes with its purpose, in JSON, plain or under a passphrase.

    {"v":1,"purpose":"sign","kid":"..","public":"<base64url>","secret":"<base64url>"}
    {"v":1,"purpose":"sign","kid":"..","public":"<base64url>",
     "sealed":{"kdf":"scrypt","n":131072,"r":8,"p":1,"cipher":"aes-256-gcm",
               "salt":"..","nonce":"..","data":".."}}

The rule of this file: what is read is checked against what it says about itself: the public key and
kid belong to the seed, the purpose is the one that the caller expects. A file holds a signing key
(an Ed25519 seed), or a secret that signs nothing (purpose `master` or `content`; no kid and no
public key).

The directory is as private as its mode; the passphrase is asked for by the node, not here. Errors:
see keys/private_file.py.
"""

import base64
import binascii
import json
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keys.private_file import (
    KeyFileDamaged,
    KeyFileError,
    KeyFileExists,
    KeyFileExposed,
    KeyFileMissing,
    KeyFileSealed,
    WrongPassphrase,
    read_private,
    write_private,
)
from keys.ring import KeyPurpose
from keys.sealing import (
    NONCE_BYTES,
    SALT_BYTES,
    SCRYPT_N,
    SCRYPT_P,
    SCRYPT_R,
    SEALED_BYTES,
    SECRET_BYTES,
    DoesNotOpen,
    seal,
    unseal,
)
from keys.signer import SeedSigner

__all__ = [
    "KeyFileDamaged",
    "KeyFileError",
    "KeyFileExists",
    "KeyFileExposed",
    "KeyFileMissing",
    "KeyFileSealed",
    "WrongPassphrase",
    "is_sealed",
    "key_id",
    "read_key",
    "read_secret",
    "write_key",
    "write_secret",
]

CONTENT: Literal["content"] = "content"
SecretPurpose = Literal["master", "content"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class _Sealed(_Strict):
    kdf: Literal["scrypt"] = "scrypt"
    n: Literal[131072] = SCRYPT_N
    r: Literal[8] = SCRYPT_R
    p: Literal[1] = SCRYPT_P
    cipher: Literal["aes-256-gcm"] = "aes-256-gcm"
    salt: str
    nonce: str
    data: str


class _KeyFile(_Strict):
    v: Literal[1] = 1
    purpose: KeyPurpose | SecretPurpose
    kid: str | None = None
    public: str | None = None
    secret: Annotated[str | None, Field(repr=False)] = None
    sealed: _Sealed | None = None

    @property
    def context(self) -> bytes:
        """What is authenticated with the sealed secret."""
        return f"interlingua key file v1\n{self.purpose}\n{self.kid or '-'}\n".encode()


def write_key(
    path: Path, signer: SeedSigner, purpose: KeyPurpose, passphrase: bytes | None
) -> None:
    """Create a key file, mode 0600, sealed where a passphrase is given.

    Raises KeyFileExists; ValueError for an empty passphrase.
    """
    frame = _KeyFile(purpose=purpose, kid=signer.kid, public=_text(signer.public))
    _write(path, frame, signer.seed, passphrase)


def read_key(
    path: Path, passphrase: bytes | None, *, purpose: KeyPurpose | None = None
) -> SeedSigner:
    """Return the signer of a key file; where `purpose` is given, only of a key of that purpose.

    A passphrase that the file does not need is ignored. Raises KeyFileError's kinds.
    """
    frame = _read(path)
    if frame.purpose in get_args(SecretPurpose) or purpose not in (None, frame.purpose):
        raise KeyFileDamaged(
            f"{path} holds a {frame.purpose} secret, not a {purpose or 'signing'} key",
            fix="Check which file belongs where.",
        )
    signer = SeedSigner.from_seed(_open(path, frame, passphrase))
    if (frame.kid, frame.public) != (signer.kid, _text(signer.public)):
        raise KeyFileDamaged(f"{path}: its key id or public key is not its seed's")
    return signer


def write_secret(
    path: Path, secret: bytes, passphrase: bytes | None, purpose: SecretPurpose = "master"
) -> None:
    """Create the file of a 32-byte secret, mode 0600, sealed where a passphrase is given.

    Raises KeyFileExists; ValueError for an empty passphrase or another length.
    """
    if len(secret) != SECRET_BYTES:
        raise ValueError(
            f"the {purpose} secret has {len(secret)} bytes; it must have {SECRET_BYTES}"
        )
    _write(path, _KeyFile(purpose=purpose), secret, passphrase)


def read_secret(path: Path, passphrase: bytes | None, purpose: SecretPurpose = "master") -> bytes:
    """Return the 32 bytes of a secret. Raises KeyFileError's kinds."""
    frame = _read(path)
    if frame.purpose != purpose:
        raise KeyFileDamaged(f"{path} holds a {frame.purpose} key, not a {purpose} secret")
    return _open(path, frame, passphrase)


def is_sealed(path: Path) -> bool:
    """Tell whether a key file needs a passphrase. Raises KeyFileError's kinds."""
    return _read(path).sealed is not None


def key_id(path: Path) -> str | None:
    """Return the id of the key in a file without opening it, None for a secret that signs nothing.

    Raises KeyFileError's kinds.
    """
    return _read(path).kid


def _write(path: Path, frame: _KeyFile, secret: bytes, passphrase: bytes | None) -> None:
    if passphrase is None:
        full = frame.model_copy(update={"secret": _text(secret)})
    else:
        salt, nonce, data = seal(secret, passphrase, frame.context)
        sealed = _Sealed(salt=_text(salt), nonce=_text(nonce), data=_text(data))
        full = frame.model_copy(update={"sealed": sealed})
    fields = full.model_dump(mode="json", exclude_none=True)
    write_private(path, json.dumps(fields, indent=1).encode("ascii") + b"\n")


def _read(path: Path) -> _KeyFile:
    try:
        frame = _KeyFile.model_validate(_parse(read_private(path)))
    except (ValidationError, ValueError, RecursionError):
        # The cause is not quoted: it may hold a part of the secret.
        raise KeyFileDamaged(f"{path} is not a key file") from None
    if (frame.secret is None) == (frame.sealed is None):
        raise KeyFileDamaged(f"{path} must hold either a secret or a sealed one")
    return frame


def _parse(raw: bytes) -> Any:
    return json.loads(raw.decode("ascii"))


def _open(path: Path, frame: _KeyFile, passphrase: bytes | None) -> bytes:
    if frame.secret is not None:
        return _bytes(path, frame.secret, SECRET_BYTES)
    if frame.sealed is None:
        raise KeyFileDamaged(f"{path} holds no secret")
    if passphrase is None:
        raise KeyFileSealed(f"{path} is sealed")
    data = _bytes(path, frame.sealed.data, SEALED_BYTES)
    salt = _bytes(path, frame.sealed.salt, SALT_BYTES)
    nonce = _bytes(path, frame.sealed.nonce, NONCE_BYTES)
    try:
        return unseal(data, passphrase, salt, nonce, frame.context)
    except DoesNotOpen:
        raise WrongPassphrase(
            f"{path} does not open: the passphrase is another one, or the file was changed"
        ) from None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _bytes(path: Path, text: str, size: int) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != size or _text(raw) != text:
        raise KeyFileDamaged(f"{path}: one of its fields is not {size} bytes in base64url")
    return raw
