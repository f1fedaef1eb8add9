"""Who this node is: its keys, and the root document that names them.

Keys are opened when first used and kept in memory; the root key may lie elsewhere, in which case
the node cannot renew its root document and says so in time (`interlingua doctor`). Every version of
the root document is kept, because a partner that was away needs them in order.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keys.keyfile import is_sealed, read_key, read_secret
from keys.ring import KeyPurpose
from keys.signer import Signer
from node import durable_file
from node.operations.errors import OperationError
from protocol.document import DocumentRefused, read_document
from protocol.limits import ROOT_LIFETIME_S
from protocol.root import (
    ROOT_TYPE,
    RootDocument,
    RootRefused,
    accept_root,
    authority_of,
    sign_root,
)

if TYPE_CHECKING:
    from node.clock import Clock
    from node.config import Settings
    from node.data_directory import DataDirectory
    from node.passphrase import Passphrase

RENEW_BEFORE_S = 30 * 86_400
"""A root document with less time left (seconds) is renewed where the root key is at hand."""

EARLY_S = 300
"""Validity begins this long (seconds) before it is written: partners' clocks differ."""


class IdentityDamaged(OperationError):
    """Keys or root document are missing or do not belong together."""

    default_code = "identity-damaged"


class Identity:
    """The organisation's keys and newest root document.

    Attributes:
        organisation: its name.
        root: the newest root document.
        root_raw: its signed envelope, as it is published.
    """

    def __init__(
        self,
        data: DataDirectory,
        settings: Settings,
        passphrase: Passphrase,
        clock: Clock,
        root_raw: bytes,
    ) -> None:
        self._data = data
        self._settings = settings
        self._passphrase = passphrase
        self._clock = clock
        self._signers: dict[KeyPurpose, Signer] = {}
        self._master: bytes | None = None
        self.organisation = settings.organisation
        self.root_raw = root_raw
        self.root, _ = read_document(root_raw, ROOT_TYPE, RootDocument, RootRefused)

    @classmethod
    def open(
        cls, data: DataDirectory, settings: Settings, passphrase: Passphrase, clock: Clock
    ) -> Identity:
        """Read the newest root document and check that it is this organisation's.

        Raises:
            IdentityDamaged: there is none, it does not verify, or it is another organisation's.
        """
        versions = sorted(int(path.stem) for path in data.roots.glob("*.json"))
        if not versions:
            raise IdentityDamaged(
                f"There is no root document in {data.roots}.",
                fix="Restore the data directory from a backup, or run `interlingua init` anew.",
            )
        identity = cls(data, settings, passphrase, clock, data.root_file(versions[-1]).read_bytes())
        identity._check()
        return identity

    def signer(self, purpose: KeyPurpose) -> Signer:
        """The signer of a purpose, from its key file.

        Raises:
            KeyFileError: missing, exposed, sealed without a passphrase, damaged.
            IdentityDamaged: the root document does not name the key.
        """
        if purpose not in self._signers:
            path = self._data.key_file(purpose)
            signer = read_key(path, self._phrase(path), purpose=purpose)
            if signer.kid not in self.root.ring.records:
                raise IdentityDamaged(
                    f"The root document does not name the {purpose} key in {path}.",
                    fix="Restore the key files and roots/ from the same backup.",
                )
            self._signers[purpose] = signer
        return self._signers[purpose]

    def master(self) -> bytes:
        """The 32-byte master secret, from which reference keys are derived."""
        if self._master is None:
            path = self._data.master_file
            self._master = read_secret(path, self._phrase(path))
        return self._master

    def unlock(self) -> None:
        """Open every key that a running node needs, so that it fails at start and not later."""
        for purpose in ("card", "sign", "log"):
            self.signer(purpose)
        self.master()

    @property
    def has_root_key(self) -> bool:
        """Whether the root key lies in this data directory."""
        return self._data.key_file("root").exists()

    def kid(self, purpose: KeyPurpose) -> str:
        """The id of the key of a purpose that the root document names, newest validity first."""
        named = [key for key in self.root.keys if key.purpose == purpose]
        return max(named, key=lambda key: key.not_after).kid

    def root_version(self, version: int) -> bytes | None:
        """The signed envelope of an earlier version, or None."""
        path = self._data.root_file(version)
        return path.read_bytes() if path.exists() else None

    def renewal_due(self) -> bool:
        """Whether addresses changed, or little time is left."""
        return (
            self.root.expires - self._clock() < RENEW_BEFORE_S
            or self.root.url != self._settings.url
            or self.root.authorities != authorities_of(self._settings)
        )

    def renew_root(self) -> RootDocument:
        """Write and keep the next version, signed by the root key.

        Raises:
            KeyFileError: the root key is not at hand.
        """
        at = self._clock()
        document = self.root.model_copy(
            update={
                "version": self.root.version + 1,
                "issued": at,
                "expires": at + ROOT_LIFETIME_S,
                "url": self._settings.url,
                "authorities": authorities_of(self._settings),
            }
        )
        path = self._data.key_file("root")
        root_signer = read_key(path, self._phrase(path), purpose="root")
        raw = sign_root(RootDocument.model_validate(document.model_dump()), [root_signer])
        accepted = accept_root(raw, None, self.root, at)
        durable_file.replace(self._data.root_file(accepted.version), raw, mode=0o600)
        self.root, self.root_raw = accepted, raw
        return accepted

    def _phrase(self, path: Path) -> bytes | None:
        return self._passphrase.required() if is_sealed(path) else None

    def _check(self) -> None:
        """The document verifies under its own root keys (whose pinning is the partners' matter)."""
        if self.root.organisation != self.organisation:
            raise IdentityDamaged(
                f"The keys belong to {self.root.organisation}, the settings name "
                f"{self.organisation}.",
                fix="Correct organisation in interlingua.toml; an organisation cannot be renamed.",
            )
        try:
            accept_root(
                self.root_raw, self.root.roots[0].kid, None, self.root.issued, intermediate=True
            )
        except DocumentRefused as error:
            raise IdentityDamaged(
                f"The own root document does not verify: {error}.",
                fix="Restore roots/ from a backup.",
            ) from None


def authorities_of(settings: Settings) -> tuple[str, ...]:
    """The hosts and ports under which this node answers; that of its URL first."""
    own = authority_of(settings.url)
    return (own, *(name for name in settings.authorities if name != own))
