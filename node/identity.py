"""Who this node is: its keys, and the root document that names them.

The rule of this file: which key signs follows from the root document (`node/key_turns.py`). The
root key may lie elsewhere; then changes of the document are kept as a draft until it has been
signed there; what a version that comes into force meanwhile lacks of them is carried onto it, so
that no revocation is lost. Every version of the root document is kept: a partner that was away
needs them in order, an auditor needs the retired keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.keyfile import KeyFileError
from node import durable_file
from node.hsm.pin import Pin
from node.hsm.token_keys import token_keys
from node.identity_errors import IdentityDamaged, RootKeyAway
from node.key_files import KeyFiles
from node.key_turns import KeyTurns
from node.possession import proved
from protocol.document import DocumentRefused
from protocol.limits import MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH
from protocol.root import (
    RootDocument,
    RootRefused,
    accept_root,
    authority_of,
    read_root,
    sign_root,
)
from protocol.root_changes import carried, named, successor
from protocol.strict_json import StrictJsonError, parse

if TYPE_CHECKING:
    from keys.ring import KeyPurpose
    from keys.signer import Signer
    from node.clock import Clock
    from node.config import Settings
    from node.data_directory import DataDirectory
    from node.passphrase import Passphrase

RENEW_BEFORE_S = 30 * 86_400
"""A root document with less time left (seconds) is renewed where the root key is at hand."""


class Identity:
    """The organisation's keys and newest root document.

    Attributes:
        organisation: its name.
        root: the newest root document.
        root_raw: its signed envelope, as it is published.
        files: the key files.
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
        self._clock = clock
        self._master: bytes | None = None
        token = token_keys(settings.hsm, Pin(prompt=passphrase.prompt))
        self.files = KeyFiles(data, passphrase, token)
        self._turns = KeyTurns(data, settings.hsm, self.files, lambda: self.root.ring, clock)
        self.organisation = settings.organisation
        self.root_raw = root_raw
        self.root, _ = read_root(root_raw)

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
        """The signer of the key whose turn it is; raises as `KeyTurns.signer`."""
        return self._turns.signer(purpose)

    def kid(self, purpose: KeyPurpose) -> str:
        """The id of the key that signs now; raises as `signer`, but opens no file."""
        return self._turns.kid(purpose)

    def master(self) -> bytes:
        """The 32-byte master secret, from which reference keys are derived."""
        if self._master is None:
            self._master = self.files.master()
        return self._master

    def unlock(self) -> None:
        """Open every key that a running node needs, so that it fails at start and not later."""
        for purpose in ("card", "sign", "log"):
            self.signer(purpose)
        for key in self.root.keys:  # also those whose turn comes later
            self.files.open(key.purpose, key.kid)
        self.master()

    @property
    def has_root_key(self) -> bool:
        """Whether as many root keys lie here as a renewal needs; a file that is unusable does not.

        What is wrong with such a file is said when it is opened, and by `interlingua doctor`.
        """
        try:
            found = [key.kid for key in self.root.roots if self.files.at_hand("root", key.kid)]
        except KeyFileError:
            return False
        return len(found) >= self.root.threshold

    def root_version(self, version: int) -> bytes | None:
        """The signed envelope of an earlier version, or None."""
        path = self._data.root_file(version)
        return path.read_bytes() if path.exists() else None

    def chain(self) -> list[bytes]:
        """The signed envelopes of all versions that are kept, oldest first."""
        kept = (self.root_version(number) for number in range(1, self.root.version + 1))
        return [raw for raw in kept if raw is not None]

    def history(self) -> list[RootDocument]:
        """All versions that are kept, oldest first."""
        return [read_root(raw)[0] for raw in self.chain()]

    def renewal_due(self) -> bool:
        """Whether addresses changed, or little time is left."""
        return (
            self.root.expires - self._clock() < RENEW_BEFORE_S
            or self.root.url != self._settings.url
            or self.root.authorities != authorities_of(self._settings)
        )

    def renew_root(self) -> RootDocument:
        """Write and keep the next version with nothing changed but its time and addresses.

        Raises:
            KeyFileError: the root key is not at hand.
        """
        return self.adopt(self.sign_next(self.next_version()))

    def next_version(self) -> RootDocument:
        """The unsigned next version: the draft that waits for its signature, or a renewal."""
        waiting = self.draft()
        return self._following(
            self.root if waiting is None else waiting.model_copy(update=self._place())
        )

    def sign_next(self, document: RootDocument) -> bytes:
        """The next version, signed by all root keys at hand of this and of that version.

        May take a second for a sealed key. Raises RootKeyAway where these do not suffice, and
        KeyFileError's kinds.
        """
        kids = {key.kid: None for key in (*self.root.roots, *document.roots)}
        found = [signer for kid in kids if (signer := self.files.open("root", kid)) is not None]
        if found:
            raw = sign_root(document, found)
            try:
                accept_root(raw, None, self.root, self._clock())
                return raw
            except RootRefused as error:
                if error.reason not in ("unknown-key", "signatures"):
                    raise
        raise RootKeyAway(
            f"Version {document.version} of the root document needs a root key that is not here.",
            fix="interlingua key root export FILE; sign it where the root key is with `interlingua "
            "key root sign FILE --key root.key`; then interlingua key root import FILE",
        )

    def adopt(self, raw: bytes) -> RootDocument:
        """Keep the signed next version and put it into force; raises RootRefused.

        Changes that only the draft holds wait on, as a draft of the version after it.
        """
        accepted = accept_root(raw, None, self.root, self._clock())
        if accepted.digest == self.root.digest:
            return self.root
        waiting = self.draft()
        for entry in waiting.revocations if waiting else ():
            if any(key.kid == entry.kid for key in accepted.roots):
                raise RootRefused(
                    "revoked-key", f"the draft here revokes {entry.kid}, which it makes a root key"
                )
        self._keep(proved(raw, accepted, self.files))
        self._turns.forget()
        if self.draft() is None:
            durable_file.remove(self._data.draft_file)
        return self.root

    def prove_held(self) -> None:
        """Prove in the version in force that its witness keys are held: a former release did not.

        Raises OSError where it cannot be written.
        """
        raw = proved(self.root_raw, self.root, self.files)
        if raw != self.root_raw:
            self._keep(raw)

    def _keep(self, raw: bytes) -> None:
        document, _ = read_root(raw)
        durable_file.replace(self._data.root_file(document.version), raw, mode=0o600)
        self.root, self.root_raw = document, raw

    def draft(self) -> RootDocument | None:
        """The changes that wait for a root key's signature; None where there are none.

        Of a draft that was made on an earlier version, those that the version in force lacks.
        Raises IdentityDamaged for a draft that cannot be read.
        """
        path = self._data.draft_file
        if not path.exists():
            return None
        try:
            fields = parse(path.read_bytes(), MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH)
            found = RootDocument.model_validate(fields)
        except (ValueError, StrictJsonError):
            raise IdentityDamaged(
                f"{path} is no draft of a root document.",
                fix="Delete it; then repeat the changes that it held.",
            ) from None
        if found.version > self.root.version:
            return found if found.version == self.root.version + 1 else None
        lacking = carried(found, self.root, named(self.history()))
        return None if lacking is None else self._following(lacking)

    def keep_draft(self, document: RootDocument) -> None:
        """Keep an unsigned next version until it comes back signed."""
        durable_file.replace(self._data.draft_file, document.payload)

    def _following(self, document: RootDocument) -> RootDocument:
        return successor(
            document,
            self._clock(),
            url=self._settings.url,
            authorities=authorities_of(self._settings),
        )

    def _place(self) -> dict[str, int]:
        """What makes a draft, which is a version ahead, the ground of the same version again."""
        return {"version": self.root.version, "issued": self.root.issued}

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
    """The hosts and ports under which this node answers, that of its URL first; none without."""
    if settings.url is None:
        return ()
    own = authority_of(settings.url)
    return (own, *(name for name in settings.authorities if name != own))
