"""What can go wrong between this node and a token.

    OperationError
    +-- HsmUnavailable (Unavailable)   extra, module, token or device is not there       exit 5
    +-- HsmPinRefused                  the token did not take the PIN; not tried again   exit 1
    +-- HsmKeyUnusable                 a key in the token is not one, or not whole       exit 1

The rule of this file: no message holds a PIN, and each names the token or the label that it is
about. Words of the token's own library are its error's name alone.
"""

from __future__ import annotations

from node.operations.errors import OperationError, Unavailable


class HsmUnavailable(Unavailable):
    """The token cannot be talked to."""

    default_code = "hsm-unavailable"


class HsmPinRefused(OperationError):
    """The token did not take the PIN. It counts such failures, so this process does not repeat."""

    default_code = "hsm-pin-refused"


class HsmKeyUnusable(OperationError):
    """What lies in the token under the label cannot sign for this node."""

    default_code = "hsm-key-unusable"
