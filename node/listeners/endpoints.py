"""The local API's endpoints: which operation answers at which path, and for whom.

This table is the one source of the routes (`local_api.py`) and of the OpenAPI document
(`node/openapi.py`). A GET takes the operation's request from the query string, a POST from a JSON
body; the answer is the operation's result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from node.operations.registry import Role

READERS: frozenset[Role] = frozenset({"auditor", "admin"})
ASKERS: frozenset[Role] = frozenset({"asker", "admin"})


@dataclass(frozen=True)
class Endpoint:
    """One method on one path.

    Attributes:
        operation: name of the registered operation.
        roles: tokens of these roles may call it.
    """

    method: Literal["GET", "POST"]
    path: str
    operation: str
    roles: frozenset[Role]


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "/v1/status", "status", READERS),
    Endpoint("GET", "/v1/collections", "collection.list", READERS),
    Endpoint("GET", "/v1/partners", "partners", ASKERS),
    Endpoint("POST", "/v1/query", "query", ASKERS),
)
OPENAPI_PATH = "/v1/openapi.json"
