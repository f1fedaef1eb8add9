"""A real token for tests: SoftHSM2 with its own token directory for each test process."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from node.hsm.token import Token
from node.hsm.token_keys import TokenKeys

PIN = "4711-user-pin"
MODULES = tuple(
    Path(folder) / "libsofthsm2.so"
    for folder in (
        "/usr/lib/softhsm",
        "/usr/lib64/softhsm",
        "/usr/lib64/pkcs11",
        "/usr/local/lib/softhsm",
        "/opt/homebrew/lib/softhsm",
    )
)
LABELS = ("first", "second", "third")


@dataclass(frozen=True)
class SoftHsm:
    """A module whose tokens are LABELS; their PIN is PIN."""

    module: Path
    config: Path

    def keys(self, token: str = LABELS[0], pin: str = PIN) -> TokenKeys:
        """The keys of a token under labels that no other test uses."""
        label = uuid4().hex
        made = Token(self.module, token, lambda: pin)
        return TokenKeys(made, {"sign": f"{label}-sign", "card": f"{label}-card"})


def missing() -> str | None:
    """Why there is no token to test with, or None."""
    if importlib.util.find_spec("pkcs11") is None:
        return "the extra hsm is not installed (make hsm)"
    if not any(module.exists() for module in MODULES) or shutil.which("softhsm2-util") is None:
        return "SoftHSM2 is not installed (make hsm, or apt-get install softhsm2)"
    return None


def made(folder: Path) -> SoftHsm:
    """Make the tokens; the module reads its configuration once in a process, so do this once."""
    config, tokens = folder / "softhsm2.conf", folder / "tokens"
    tokens.mkdir(mode=0o700)
    config.write_text(f"directories.tokendir = {tokens}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(config)
    for label in LABELS:
        command = ["softhsm2-util", "--init-token", "--free", "--label", label]
        subprocess.run(
            [*command, "--pin", PIN, "--so-pin", "security-officer"],
            check=True,
            capture_output=True,
        )
    return SoftHsm(next(module for module in MODULES if module.exists()), config)
