"""Which of the own keys signs now.

The rule of this file: it is read from the root document and the clock (`KeyRing.by_turn`), among
the keys that are at hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys.keyfile import KeyFileMissing
from node.identity_errors import IdentityDamaged
from protocol.limits import CLOCK_SKEW_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.ring import KeyPurpose, KeyRecord, KeyRing
    from keys.signer import Signer
    from node.clock import Clock
    from node.data_directory import DataDirectory
    from node.hsm.settings import Hsm
    from node.key_files import KeyFiles


class KeyTurns:
    """Gives the signer of each purpose.

    Args:
        data: names the key files in what is said of them.
        hsm: settings of the token, if one holds keys.
        files: the keys that are at hand.
        ring: the keys that the newest root document names.
        clock: epoch seconds UTC.
    """

    def __init__(
        self,
        data: DataDirectory,
        hsm: Hsm,
        files: KeyFiles,
        ring: Callable[[], KeyRing],
        clock: Clock,
    ) -> None:
        self._data = data
        self._hsm = hsm
        self._files = files
        self._ring = ring
        self._clock = clock
        self._in_use: dict[KeyPurpose, tuple[int, Signer]] = {}

    def forget(self) -> None:
        """Choose anew: another version of the root document is in force."""
        self._in_use.clear()

    def signer(self, purpose: KeyPurpose) -> Signer:
        """The signer of the key whose turn it is, of those at hand.

        Raises:
            KeyFileError: missing, exposed, sealed without a passphrase, damaged.
            IdentityDamaged: the root document does not name the key.
        """
        at = self._clock()
        held = self._in_use.get(purpose)
        if held is None or held[0] != at:
            held = self._in_use[purpose] = (at, self._choose(purpose, at))
        return held[1]

    def kid(self, purpose: KeyPurpose) -> str:
        """The id of the key that signs now; raises as `signer`, but opens no file."""
        for record in self._by_turn(purpose, self._clock()):
            if self._files.at_hand(purpose, record.kid):
                return record.kid
        raise self._none_at_hand(purpose)

    def _by_turn(self, purpose: KeyPurpose, at: int) -> tuple[KeyRecord, ...]:
        """The usable keys, or where none is usable the longest-lived: its refusal is clearer."""
        ring = self._ring()
        usable = ring.by_turn(purpose, at, slow_clock_s=CLOCK_SKEW_S)
        if usable:
            return usable
        named = (r for r in ring.records.values() if r.purpose == purpose)
        return tuple(sorted(named, key=lambda record: (-record.not_after, record.kid)))

    def _choose(self, purpose: KeyPurpose, at: int) -> Signer:
        for record in self._by_turn(purpose, at):
            signer = self._files.open(purpose, record.kid)
            if signer is not None:
                return signer
        raise self._none_at_hand(purpose)

    def _none_at_hand(self, purpose: KeyPurpose) -> Exception:
        path = self._data.key_file(purpose)
        label = self._hsm.labels.get(purpose)
        if label is not None:
            return IdentityDamaged(
                f"The token {self._hsm.token} holds no {purpose} key under {label} that "
                "the root document names.",
                fix="Restore the token and roots/ from the same time, or correct hsm.* in the "
                "settings.",
            )
        if not self._files.ids(purpose):
            return KeyFileMissing(f"there is no {path}")
        return IdentityDamaged(
            f"The root document does not name the {purpose} key in {path}.",
            fix="Restore the key files and roots/ from the same backup.",
        )
