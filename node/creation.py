"""Making a new node: directory, keys, root document, configuration file. Nothing is overwritten."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from keys.keyfile import write_key, write_secret
from keys.ring import KeyPurpose, KeyRecord
from keys.sealing import SECRET_BYTES
from keys.signer import SeedSigner, Signer
from keys.words import fingerprint
from node import durable_file
from node.identity import authorities_of
from node.key_plans import EARLY_S, LIFETIME_S
from node.operations.errors import Conflict
from protocol.limits import ROOT_LIFETIME_S
from protocol.root import Key, RootDocument, sign_root

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.config import Settings
    from node.data_directory import DataDirectory


def create_node(
    data: DataDirectory, settings: Settings, configuration: str, passphrase: bytes | None, at: int
) -> list[str]:
    """Make keys and root document, and write the configuration file last.

    Args:
        data: where; the caller holds no lock, the directory may not exist yet.
        settings: already validated content of `configuration`.
        configuration: text of the configuration file.
        passphrase: seals all key files, None leaves them plain (mode 0600).
        at: epoch seconds UTC.

    Returns:
        The twelve fingerprint words of the root key.

    Raises:
        Conflict: a node, or keys, are there already.
    """
    data.create()
    with data.lock():
        if data.config_file.exists() or any(data.keys.iterdir()):
            raise Conflict(
                f"There is a node in {data.path} already, or a part of one.",
                fix="Choose another directory with --data, or move this one away first.",
                code="node-exists",
            )
        signers = {purpose: SeedSigner.generate() for purpose in LIFETIME_S}
        for purpose, signer in signers.items():
            write_key(data.key_file(purpose), signer, purpose, passphrase)
        write_secret(data.master_file, secrets.token_bytes(SECRET_BYTES), passphrase)
        raw = sign_root(_first_root(settings, signers, at), [signers["root"]])
        durable_file.replace(data.root_file(1), raw)
        # the last step: with this file the node exists (`DataDirectory.require`)
        durable_file.replace(data.config_file, configuration.encode())
    return fingerprint(signers["root"].public)


def _first_root(settings: Settings, signers: Mapping[KeyPurpose, Signer], at: int) -> RootDocument:
    named = {
        purpose: Key.of(
            KeyRecord(signer.kid, signer.public, purpose, at - EARLY_S, at + LIFETIME_S[purpose])
        )
        for purpose, signer in signers.items()
    }
    return RootDocument(
        organisation=settings.organisation,
        version=1,
        issued=at,
        expires=at + ROOT_LIFETIME_S,
        roots=(named.pop("root"),),
        keys=tuple(named.values()),
        authorities=authorities_of(settings),
        url=settings.url,
    )
