"""Documents from a collection of a Chroma server (1.0 and later), by its HTTP API, in pages.

The rule of this file: nothing is written there, and nothing of Chroma is imported. Where the
connection goes is judged when it is made; texts and vectors cross plain http only within reach of
this organisation's own machines.
"""

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import orjson
from pydantic import ValidationError

from node.addresses import AddressPolicy, Reach
from node.checked_connection import connection
from node.transfer.errors import NotAsTold, SourceUnreadable
from node.transfer.fields import Fields
from node.transfer.form import End, Head, Moved
from node.wrong_values import describe
from protocol.envelope import Similarity

PAGE = 500
"""Documents in one answer."""

PATIENCE_S = 60.0
MAX_BYTES = 256 * 1024 * 1024
METRICS: dict[str, Similarity] = {"cosine": "cosine", "ip": "dot", "l2": "l2"}


class ChromaSource:
    """One collection of one server."""

    head: Head | None = None

    def __init__(
        self, url: str, collection: str, tenant: str = "default_tenant",
        database: str = "default_database",
    ) -> None:  # fmt: skip
        """Find the collection. Raises SourceUnreadable."""
        self._parts = urlsplit(url)
        if self._parts.scheme not in ("http", "https") or not self._parts.hostname:
            raise SourceUnreadable(f"{url} is no address of a Chroma server")
        base = f"/api/v2/tenants/{quote(tenant, '')}/databases/{quote(database, '')}/collections"
        self._connection = connection(
            self._parts.scheme, self._parts.hostname, self._parts.port, self._policy, PATIENCE_S
        )
        found = self._asked("GET", f"{base}/{quote(collection, '')}")
        self._where = f"{base}/{quote(str(found.get('id')), '')}"
        self.metric = _metric(found)
        count = self._asked("GET", f"{self._where}/count")
        self.total: int | None = count if isinstance(count, int) else None

    def documents(self) -> Iterator[Moved]:
        """Yield the documents, page by page, until a page is not full."""
        first = 0
        while True:
            page = self._asked(
                "POST",
                f"{self._where}/get",
                {
                    "limit": PAGE,
                    "offset": first,
                    "include": ["embeddings", "documents", "metadatas", "uris"],
                },
            )
            names = page.get("ids") or []
            yield from self._of_page(page, names, first)
            if len(names) < PAGE:
                return
            first += len(names)

    def end(self) -> End | None:
        """A server says nothing of its documents."""
        return None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _of_page(self, page: dict[str, Any], names: list[Any], first: int) -> Iterator[Moved]:
        columns = [page.get(key) or [None] * len(names)
                   for key in ("embeddings", "documents", "metadatas", "uris")]  # fmt: skip
        try:
            rows = list(zip(names, *columns, strict=True))
        except (TypeError, ValueError):
            raise SourceUnreadable("Chroma's answer is not of one length") from None
        for place, (name, vector, text, metadata, uri) in enumerate(rows, start=first + 1):
            where = f"document {place}"
            if vector is None:
                raise NotAsTold(f"{where}, id {name!r}, has no vector")
            try:
                fields = Fields.model_validate(
                    {
                        "id": name, "text": text or None, "metadata": metadata or {}, "uri": uri,
                        "spans": ((0, len(text or "")),),
                    }
                )  # fmt: skip
                row = np.array([vector], dtype=np.float32)
            except ValidationError as error:
                raise NotAsTold(f"{where}: {describe(error)}") from None
            except (TypeError, ValueError):
                raise NotAsTold(f"{where}, id {name!r}: its vector is no list of numbers") from None
            yield fields.moved(where, row)

    def _asked(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        sent = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json"} if sent else {}
        try:
            self._connection.request(method, self._parts.path.rstrip("/") + path, sent, headers)
            answer = self._connection.getresponse()
            raw = answer.read(MAX_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            cause = getattr(error, "strerror", None) or type(error).__name__
            raise SourceUnreadable(f"Chroma cannot be reached: {cause}") from None
        if answer.status != http.HTTPStatus.OK or len(raw) > MAX_BYTES:
            self._connection.close()
            raise SourceUnreadable(
                f"Chroma answered {answer.status} to {method} {path}",
                fix="Check --chroma-collection, and that the server is Chroma 1.0 or later.",
            )
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise SourceUnreadable("Chroma's answer is no JSON") from None

    @property
    def _policy(self) -> AddressPolicy:
        allowed: set[Reach] = {"loopback", "private"}
        if self._parts.scheme == "https":
            allowed.add("public")
        return AddressPolicy(frozenset(allowed), "a server elsewhere must be reached over https")


def _metric(found: dict[str, Any]) -> Similarity | None:
    """What the collection's index ranks by; a server may leave it out."""
    configuration = found.get("configuration_json") or {}
    hnsw = configuration.get("hnsw") or {} if isinstance(configuration, dict) else {}
    named = hnsw.get("space") if isinstance(hnsw, dict) else None
    return METRICS.get(str(named))
