"""The keys of a node, several generations of a purpose side by side, in files or in a token.

The rule of this file: a key is looked for by its id, which stands in each file in the clear, never
by which file is the newest. `init` writes `keys/<purpose>.key`; every later key is
`keys/<purpose>.<kid>.key`, so that no file is ever overwritten. A purpose whose label the settings
give (`node/hsm/settings.py`) gets its new keys in the token; its older files stay in use.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from keys.keyfile import (
    CONTENT,
    is_sealed,
    key_id,
    read_key,
    read_secret,
    write_key,
    write_secret,
)
from keys.sealing import SECRET_BYTES
from keys.signer import SeedSigner
from node import durable_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keys.ring import KeyPurpose
    from keys.signer import Signer
    from node.data_directory import DataDirectory
    from node.hsm.token_keys import TokenKeys
    from node.passphrase import Passphrase


class KeyFiles:
    """Opens and makes keys; what was opened stays in memory, since opening a sealed one is slow.

    Args:
        data: where the files are.
        passphrase: opens sealed ones.
        token: the keys that lie in a token, where the settings name one.
    """

    def __init__(
        self, data: DataDirectory, passphrase: Passphrase, token: TokenKeys | None = None
    ) -> None:
        self._data = data
        self._passphrase = passphrase
        self._token = token
        self._opened: dict[str, Signer] = {}

    def at_hand(self, purpose: KeyPurpose, kid: str) -> bool:
        """Whether this node can sign with a key.

        Raises KeyFileError where its file, OperationError where the token is unusable.
        """
        if kid in self._opened or self._find(purpose, kid) is not None:
            return True
        return self._token is not None and self._token.at_hand(purpose, kid)

    def ids(self, purpose: KeyPurpose) -> dict[str, Path]:
        """The keys of a purpose that lie here in files: id -> file. Raises KeyFileError's kinds."""
        found = ((key_id(path), path) for path in self._files(purpose))
        return {kid: path for kid, path in found if kid is not None}

    def open(self, purpose: KeyPurpose, kid: str) -> Signer | None:
        """The signer of a key, or None where it is not here.

        Raises KeyFileError's kinds, PassphraseMissing; of the token HsmUnavailable and its kin.
        """
        if kid not in self._opened:
            path = self._find(purpose, kid)
            found: Signer | None = None
            if path is not None:
                found = read_key(path, self._phrase(path), purpose=purpose)
            elif self._token is not None:
                found = self._token.open(purpose, kid)
            if found is None:
                return None
            self._opened[kid] = found
        return self._opened[kid]

    def create(self, purpose: KeyPurpose) -> Signer:
        """Make a key in the token, or with a file that is sealed as the master secret is."""
        if self._token is not None and self._token.holds(purpose):
            made = self._token.create(purpose)
            self._opened[made.kid] = made
            return made
        signer = SeedSigner.generate()
        path = self._data.keys / f"{purpose}.{signer.kid}.key"
        write_key(path, signer, purpose, self._phrase(self._data.master_file))
        self._opened[signer.kid] = signer
        return signer

    def remove(self, purpose: KeyPurpose, kid: str) -> None:
        """Delete a key that must not sign any more; a missing one is no error."""
        self._opened.pop(kid, None)
        path = self._find(purpose, kid)
        if path is not None:
            durable_file.remove(path)
        elif self._token is not None:
            self._token.remove(purpose, kid)

    def master(self) -> bytes:
        """The 32-byte master secret. Raises KeyFileError's kinds, PassphraseMissing."""
        path = self._data.master_file
        return read_secret(path, self._phrase(path))

    def content(self) -> bytes:
        """The 32-byte key under which the keys of kept content lie; made where there is none.

        It is sealed as the master secret is. Raises KeyFileError's kinds, PassphraseMissing.
        """
        path = self._data.content_key_file
        if not path.exists():
            made = secrets.token_bytes(SECRET_BYTES)
            write_secret(path, made, self._phrase(self._data.master_file), CONTENT)
            durable_file.flush(path)
        return read_secret(path, self._phrase(path), CONTENT)

    def _find(self, purpose: KeyPurpose, kid: str) -> Path | None:
        exact = self._data.keys / f"{purpose}.{kid}.key"
        if exact.exists():
            return exact
        first = self._data.key_file(purpose)
        return first if first.exists() and key_id(first) == kid else None

    def _files(self, purpose: KeyPurpose) -> Iterator[Path]:
        first = self._data.key_file(purpose)
        if first.exists():
            yield first
        yield from sorted(self._data.keys.glob(f"{purpose}.*.key"))

    def _phrase(self, path: Path) -> bytes | None:
        return self._passphrase.required() if is_sealed(path) else None
