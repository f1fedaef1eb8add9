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
from node.hsm.pin import Pin
from node.hsm.token_keys import token_keys
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
    data: DataDirectory,
    settings: Settings,
    configuration: str,
    passphrase: bytes | None,
    at: int,
    *,
    adopt: bool = False,
) -> list[str]:
    """Make keys and root document, and write the configuration file last.

    Args:
        data: where; the caller holds no lock, the directory may not exist yet.
        settings: already validated content of `configuration`.
        configuration: text of the configuration file.
        passphrase: seals all key files, None leaves them plain (mode 0600).
        at: epoch seconds UTC.
        adopt: take over a key that lies in the token under its label already.

    Returns:
        The twelve fingerprint words of the root key.

    Raises:
        Conflict: a node, or keys, are there already; also keys in the token.
        OperationError: the token cannot be used.
    """
    data.create()
    with data.lock():
        if data.config_file.exists() or any(data.keys.iterdir()):
            raise Conflict(
                f"There is a node in {data.path} already, or a part of one.",
                fix="Choose another directory with --data, or move this one away first.",
                code="node-exists",
            )
        signers = {
            purpose: signer_in_token or _in_a_file(data, purpose, passphrase)
            for purpose, signer_in_token in _in_the_token(settings, adopt=adopt).items()
        }
        write_secret(data.master_file, secrets.token_bytes(SECRET_BYTES), passphrase)
        raw = sign_root(_first_root(settings, signers, at), [signers["root"], signers["witness"]])
        durable_file.replace(data.root_file(1), raw)
        # the last step: with this file the node exists (`DataDirectory.require`)
        durable_file.replace(data.config_file, configuration.encode())
    return fingerprint(signers["root"].public)


def _in_a_file(data: DataDirectory, purpose: KeyPurpose, passphrase: bytes | None) -> Signer:
    signer = SeedSigner.generate()
    write_key(data.key_file(purpose), signer, purpose, passphrase)
    return signer


def _in_the_token(settings: Settings, *, adopt: bool) -> dict[KeyPurpose, Signer | None]:
    """A signer for each purpose whose keys lie in the token, None for the others.

    All labels are looked at before the first key is made.
    """
    keys = token_keys(settings.hsm, Pin(prompt=True))
    if keys is None:
        return dict.fromkeys(LIFETIME_S)
    held = {purpose: keys.pairs(purpose) for purpose in LIFETIME_S}
    for purpose, pairs in held.items():
        if pairs and not (adopt and len(pairs) == 1):
            raise Conflict(
                f"The token {settings.hsm.token} holds {len(pairs)} keys under "
                f"{settings.hsm.labels[purpose]}.",
                fix=f"Give hsm.{purpose} a label of its own; to take over one key that was made "
                "for this node: --adopt",
                code="hsm-label-in-use",
            )
    return {
        purpose: (
            (keys.open(purpose, next(iter(pairs))) if pairs else keys.create(purpose))
            if keys.holds(purpose)
            else None
        )
        for purpose, pairs in held.items()
    }


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
