"""Checks of keys in a token: can it be used, are the keys there, can they leave it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from node.doctor.finding import Finding, problem, warning
from node.hsm.pin import Pin
from node.hsm.token_keys import token_keys
from node.operations.errors import OperationError

if TYPE_CHECKING:
    from keys.ring import KeyPurpose
    from node.hsm.token_keys import TokenKeys
    from node.node import Node


def check_hsm(node: Node) -> Iterator[Finding]:
    """The token of the settings, as far as one is named."""
    settings = node.settings.hsm
    keys = token_keys(settings, Pin(prompt=node.passphrase.prompt))
    if keys is None:
        return
    for purpose, label in settings.labels.items():
        try:
            yield from _keys_under(keys, purpose, label)
        except OperationError as error:
            yield problem(error.code, error.cause, error.fix)
            return  # the same would be said of every label


def _keys_under(keys: TokenKeys, purpose: KeyPurpose, label: str) -> Iterator[Finding]:
    for kid, pair in keys.pairs(purpose).items():
        if pair.copyable:
            yield warning(
                "hsm-key-copyable",
                f"The {purpose} key {kid} under {label} may leave its token.",
                f"Replace it by one that the node makes there: interlingua key rotate {purpose}",
            )
