"""The settings of keys in a token: which module, which token, and which keys lie there.

The rule of this file: a purpose whose label is set has its keys in the token, every other one in a
key file. The PIN is no setting: see `node/hsm/pin.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from node.section import Section

if TYPE_CHECKING:
    from keys.ring import KeyPurpose


class Hsm(Section):
    """Signing keys in a PKCS#11 token (extra `hsm`); docs/operations.md."""

    module: Path | None = Field(
        None, description="PKCS#11 library, e.g. /usr/lib/softhsm/libsofthsm2.so."
    )
    token: str | None = Field(None, description="Label of the token that holds the keys.")
    root: str | None = Field(
        None, description="Label of root keys in the token; default: root keys are files."
    )
    card: str | None = Field(None, description="The same for card keys.")
    sign: str | None = Field(None, description="The same for sign keys.")
    log: str | None = Field(None, description="The same for log keys.")
    witness: str | None = Field(None, description="The same for witness keys.")

    @property
    def labels(self) -> dict[KeyPurpose, str]:
        """The label of each purpose whose keys lie in the token."""
        named: dict[KeyPurpose, str | None] = {
            "root": self.root,
            "card": self.card,
            "sign": self.sign,
            "log": self.log,
            "witness": self.witness,
        }
        return {purpose: label for purpose, label in named.items() if label is not None}

    @model_validator(mode="after")
    def _is_whole(self) -> Hsm:
        """Labels say nothing without a token, and one key has one purpose."""
        if self.labels and (self.module is None or self.token is None):
            raise ValueError("hsm.module and hsm.token belong to a label; set both")
        if len(set(self.labels.values())) != len(self.labels):
            raise ValueError("two purposes have one label; one key has one purpose")
        return self
