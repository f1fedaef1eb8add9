"""Documents from a collection of a Chroma server (1.0 and later), by its HTTP API, in pages.

The rule of this file: nothing is written there, and nothing of Chroma is imported. Where the
connection goes is judged when it is made; texts and vectors cross plain http only within reach of
this organisation's own machines.
"""

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import orjson
from pydantic import ValidationError

from node.addresses import AddressPolicy, Reach
from node.checked_connection import connection
from node.ingest.record import single_precision
from node.transfer.errors import NotAsTold, SourceUnreadable
from node.transfer.fields import Fields
from node.transfer.form import End, Head, Moved
from node.wrong_values import describe
from protocol.envelope import Similarity

PAGE = 500
"""Documents in one answer."""

PATIENCE_S = 60.0
PAGE_PATIENCE_S = 600.0
"""The most that one answer may take, from its request to its last byte."""

MAX_BYTES = 256 * 1024 * 1024
_INCLUDED = ("embeddings", "documents", "metadatas", "uris")
METRICS: dict[str, Similarity] = {"cosine": "cosine", "ip": "dot", "l2": "l2"}


class ChromaSource:
    """One collection of one server."""

    head: Head | None = None

    def __init__(
        self, url: str, collection: str, tenant: str = "default_tenant",
        database: str = "default_database",
    ) -> None:  # fmt: skip
        """Find the collection. Raises SourceUnreadable."""
        self._parts, port = _parts(url)
        base = f"/api/v2/tenants/{quote(tenant, '')}/databases/{quote(database, '')}/collections"
        self._connection = connection(
            self._parts.scheme, self._parts.hostname or "", port, self._policy, PATIENCE_S
        )
        try:
            found = _object(self._asked("GET", f"{base}/{quote(collection, '')}"))
            self._where = f"{base}/{quote(str(found.get('id')), '')}"
            self.metric = _metric(found)
            count = self._asked("GET", f"{self._where}/count")
        except SourceUnreadable:
            self.close()
            raise
        self.total: int | None = count if isinstance(count, int) else None

    def documents(self) -> Iterator[Moved]:
        """Yield the documents, page by page, until a page is not full."""
        first = 0
        while True:
            asked = {"limit": PAGE, "offset": first, "include": [*_INCLUDED]}
            page = _object(self._asked("POST", f"{self._where}/get", asked))
            names = page.get("ids") or []
            if not isinstance(names, list) or len(names) > PAGE:
                raise SourceUnreadable(f"Chroma's answer has no list of at most {PAGE} ids")
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
                   for key in _INCLUDED]  # fmt: skip
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
                row = single_precision([vector])
            except ValidationError as error:
                raise NotAsTold(f"{where}: {describe(error)}") from None
            except (TypeError, ValueError, OverflowError):
                raise NotAsTold(f"{where}, id {name!r}: its vector is no list of numbers") from None
            yield fields.moved(where, row)

    def _asked(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        sent = None if body is None else orjson.dumps(body)
        headers = {"Content-Type": "application/json"} if sent else {}
        try:
            with self._connection.within(PAGE_PATIENCE_S):
                target = quote(self._parts.path.rstrip("/"), safe="/%") + path
                self._connection.request(method, target, sent, headers)
                answer = self._connection.getresponse()
                raw = answer.read(MAX_BYTES + 1)
        except (OSError, UnicodeError, http.client.HTTPException) as error:
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


def _parts(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts, parts.port
    except ValueError:
        pass
    raise SourceUnreadable(f"{url} is no address of a Chroma server")


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise SourceUnreadable("Chroma's answer is no JSON object")
    return answer


def _metric(found: dict[str, Any]) -> Similarity | None:
    """What the collection's index ranks by; a server may leave it out."""
    configuration = found.get("configuration_json") or {}
    hnsw = configuration.get("hnsw") or {} if isinstance(configuration, dict) else {}
    named = hnsw.get("space") if isinstance(hnsw, dict) else None
    return METRICS.get(str(named))
