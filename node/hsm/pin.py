"""The user PIN of the token, from file, variable or prompt like the passphrase of key files."""

from __future__ import annotations

from node.given_secret import GivenSecret
from node.operations.errors import OperationError

PIN_FILE_VARIABLE = "INTERLINGUA_HSM_PIN_FILE"
PIN_VARIABLE = "INTERLINGUA_HSM_PIN"


class PinMissing(OperationError):
    """Keys lie in a token and no PIN was given."""

    default_code = "hsm-pin-missing"


class Pin(GivenSecret):
    """The PIN that logs this node in as the token's user."""

    what = "PIN"
    needed = "Keys of this node lie in a token, and no PIN was given."
    question = "PIN of the token: "
    variable = PIN_VARIABLE
    file_variable = PIN_FILE_VARIABLE
    missing = PinMissing

    def text(self) -> str:
        """The PIN as PKCS#11 takes it (UTF-8). Raises PinMissing."""
        try:
            return self.required().decode()
        except UnicodeDecodeError:
            raise PinMissing(
                "The PIN of the token is not UTF-8.", fix="Write it in UTF-8."
            ) from None
