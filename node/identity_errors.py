"""What can be wrong with the own keys and root document."""

from __future__ import annotations

from node.operations.errors import OperationError


class IdentityDamaged(OperationError):
    """Keys or root document are missing or do not belong together."""

    default_code = "identity-damaged"


class RootKeyAway(OperationError):
    """What is to be done needs root keys that are not in the data directory."""

    default_code = "root-key-away"
