"""The local API's endpoints: which operation answers at which path, and for whom.

These tables are the one source of the routes (`local_api.py`) and of the OpenAPI document
(`node/openapi.py`). A GET takes the operation's request from the query string, a POST from a JSON
body; the answer is the operation's result. The audit log is served below `LOG_PREFIX` as C2SP
tlog-tiles says (`log_tiles.py`).
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
    Endpoint("GET", "/v1/audit/search", "audit.search", READERS),
    Endpoint("GET", "/v1/audit/report", "audit.report", READERS),
    Endpoint("POST", "/v1/audit/content", "audit.content", READERS),
    Endpoint("POST", "/v1/audit/open-actor", "audit.open-actor", READERS),
)
LOG_PREFIX = "/v1/log/"


@dataclass(frozen=True)
class LogResource:
    """What is served of the log as it is, to `READERS`: a path with what varies in braces."""

    path: str
    name: str
    summary: str
    content_type: str


LOG_RESOURCES: tuple[LogResource, ...] = (
    LogResource(
        LOG_PREFIX + "checkpoint", "log.checkpoint", "The newest signed checkpoint.", "text/plain"
    ),
    LogResource(
        LOG_PREFIX + "tile/{tile}",
        "log.tile",
        "A tile of hashes, `L/N[.p/W]`, or a bundle of entries, `entries/N[.p/W]`.",
        "application/octet-stream",
    ),
)
OPENAPI_PATH = "/v1/openapi.json"
