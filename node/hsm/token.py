"""One token of a PKCS#11 module: found by its label, logged in at first use, used by one at a time.

Rules of this file:
- All calls into PKCS#11 hold one lock for the whole process. The library behind us initialises a
  module for a program of one thread; two threads in it at once end the process.
- A session is opened once for each token in the process and never closed: closing one logs all
  others of the token out.
- A session that was lost (device pulled, connection cut) is opened anew once.
- A PIN that was refused is not tried again by this process: tokens lock after a few failures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from node.hsm.errors import HsmKeyUnusable, HsmPinRefused, HsmUnavailable

ResultT = TypeVar("ResultT")

_one_at_a_time = threading.RLock()
_sessions: dict[tuple[Path, str], Any] = {}
_visits: dict[tuple[Path, str], Any] = {}
_refused: set[tuple[Path, str]] = set()

LOST = frozenset(
    {
        "DeviceError",
        "DeviceRemoved",
        "KeyHandleInvalid",
        "ObjectHandleInvalid",
        "SessionClosed",
        "SessionHandleInvalid",
        "TokenNotPresent",
        "UserNotLoggedIn",
    }
)
"""What a lost session says; names of python-pkcs11's errors."""

PIN_REFUSED = frozenset({"PinIncorrect", "PinInvalid", "PinLenRange", "PinExpired", "PinLocked"})


class Token:
    """A token that this node signs with.

    Args:
        module: the PKCS#11 library.
        label: the token's label (CKA_LABEL of its slot's token information).
        pin: called when a login is due; may ask a person.
    """

    def __init__(self, module: Path, label: str, pin: Callable[[], str]) -> None:
        self._module = module
        self._pin = pin
        self.label = label

    def look(self, work: Callable[[Any], ResultT]) -> ResultT:
        """Run `work` as `use` does, without logging in: it sees public keys and asks nobody."""
        return self._run(self._visit, work)

    def use(self, work: Callable[[Any], ResultT]) -> ResultT:
        """Run `work` with a logged-in session while nobody else talks to any token.

        `work` may run twice, the second time with another session, so it must not keep handles.

        Raises:
            HsmUnavailable, HsmPinRefused, HsmKeyUnusable: see node/hsm/errors.py.
        """
        return self._run(self._session, work)

    def _run(self, session: Callable[[], Any], work: Callable[[Any], ResultT]) -> ResultT:
        pkcs11_error = _library().PKCS11Error
        with _one_at_a_time:
            try:
                try:
                    return work(session())
                except pkcs11_error as error:
                    if type(error).__name__ not in LOST:
                        raise
                    _sessions.pop(self._key, None)
                    _visits.pop(self._key, None)
                    return work(session())
            except pkcs11_error as error:
                raise self._explained(error) from None

    @property
    def _key(self) -> tuple[Path, str]:
        return (self._module, self.label)

    def _visit(self) -> Any:
        """A session that was opened without a login; another one's login may cover it."""
        if self._key not in _visits:
            _visits[self._key] = _loaded(self._module).get_token(token_label=self.label).open()
        return _visits[self._key]

    def _session(self) -> Any:
        if self._key not in _sessions:
            _sessions[self._key] = self._opened()
        return _sessions[self._key]

    def _opened(self) -> Any:
        """A session for reading and writing, logged in as the token's user."""
        pkcs11 = _library()
        if self._key in _refused:
            raise self._pin_refused("refused it before")
        token = _loaded(self._module).get_token(token_label=self.label)
        try:
            return token.open(rw=True, user_pin=self._pin())
        except pkcs11.UserAlreadyLoggedIn:  # the login outlived its session
            return token.open(rw=True)
        except pkcs11.PKCS11Error as error:
            if type(error).__name__ not in PIN_REFUSED:
                raise
            _refused.add(self._key)
            raise self._pin_refused(type(error).__name__) from None

    def _pin_refused(self, why: str) -> HsmPinRefused:
        return HsmPinRefused(
            f"The token {self.label} did not take the PIN ({why}).",
            fix="Correct the PIN where INTERLINGUA_HSM_PIN_FILE points, and start again; tokens "
            "lock after a few failures.",
        )

    def _explained(self, error: Exception) -> HsmUnavailable | HsmKeyUnusable:
        name = type(error).__name__
        if name in ("NoSuchToken", "MultipleTokensReturned"):
            return HsmUnavailable(
                f"The module {self._module} shows "
                f"{'no' if name == 'NoSuchToken' else 'more than one'} token {self.label}.",
                fix="Set hsm.token to the label of one token; `softhsm2-util --show-slots` or "
                "`pkcs11-tool -L` lists them, for the user that runs the node.",
            )
        if name.startswith(("Mechanism", "Key", "Template", "Attribute", "DomainParams")):
            return HsmKeyUnusable(
                f"The token {self.label} cannot do what Ed25519 keys need ({name}).",
                fix="Use a token with CKM_EDDSA and CKM_EC_EDWARDS_KEY_PAIR_GEN, or key files.",
            )
        return HsmUnavailable(
            f"The token {self.label} could not be used ({name}).",
            fix="Check the device and its connection; restart the node if it does not come back.",
        )


def _library() -> Any:
    """python-pkcs11, which is an extra."""
    try:
        import pkcs11
    except ImportError:
        raise HsmUnavailable(
            "Keys in a token need the extra hsm, which is not installed.",
            fix="pip install 'interlingua[hsm]'",
        ) from None
    return pkcs11


def _loaded(module: Path) -> Any:
    """The module, loaded and initialised once in this process."""
    pkcs11 = _library()
    try:
        return pkcs11.lib(str(module))
    except pkcs11.PKCS11Error as error:
        raise HsmUnavailable(
            f"The PKCS#11 module {module} cannot be loaded ({type(error).__name__}).",
            fix="Set hsm.module to the library of the token's maker, and check its own settings.",
        ) from None
