"""Documents from a table of PostgreSQL with pgvector; each row is a document with one vector.

The rule of this file: nothing is written there, and both readings see one snapshot of the table.
Only this file knows psycopg, the extra `pgvector`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from pydantic import ValidationError

from node.ingest.record import single_precision
from node.transfer.errors import ExtraMissing, NotAsTold, SourceUnreadable
from node.transfer.fields import Fields
from node.transfer.form import PIECES, End, Head, Moved
from node.wrong_values import describe
from protocol.envelope import Similarity

METRICS: dict[str, Similarity] = {"cosine": "cosine", "ip": "dot", "l2": "l2"}

CONNECT_S = 10

_INDEXED_BY = """
    SELECT o.opcname FROM pg_index i CROSS JOIN LATERAL unnest(i.indclass::oid[]) AS c (oid)
    JOIN pg_opclass o ON o.oid = c.oid
    WHERE i.indrelid = %s::regclass AND o.opcname ~ '^(vector|halfvec)_(cosine|ip|l2)_ops$'
"""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; `text` and `metadata` (JSON) may be None."""

    id: str
    vector: str
    text: str | None = None
    metadata: str | None = None


class PgvectorSource:
    """One table, as it is at one moment."""

    head: Head | None = None

    def __init__(self, url: str, table: str, columns: Columns) -> None:
        """Connect and begin a read-only transaction. Raises TransferError."""
        _require_no_password(url)
        psycopg = _library()
        self._sql, self._error = psycopg.sql, psycopg.Error
        self._table = psycopg.sql.Identifier(*table.split("."))
        self._columns = columns
        try:
            self._db = psycopg.connect(url, connect_timeout=CONNECT_S)
        except psycopg.Error as error:
            raise SourceUnreadable(
                f"PostgreSQL cannot be reached: {_first_line(error)}",
                fix="Check address, user and database; the password comes from ~/.pgpass of the "
                "node's user.",
            ) from None
        try:
            self._db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._db.read_only = True
            self.total: int | None = self._one("SELECT count(*) FROM {table}")[0]
            self.metric: Similarity | None = self._metric(table)
        except psycopg.Error as error:
            self._db.close()
            raise self._refused(error) from None

    def documents(self) -> Iterator[Moved]:
        """Yield the rows, ordered by id, some at a time from a cursor on the server."""
        named = self._columns
        wanted = [f"{{{name}}}::text" for name in ("id", "vector")]
        wanted += ["{text}::text" if named.text else "NULL"]
        wanted += ["{metadata}::text" if named.metadata else "NULL"]
        statement = self._composed(f"SELECT {', '.join(wanted)} FROM {{table}} ORDER BY {{id}}")  # noqa: S608 - identifiers are quoted by psycopg
        try:
            with self._db.cursor(name="interlingua") as cursor:
                cursor.itersize = PIECES
                cursor.execute(statement)
                for number, row in enumerate(cursor, start=1):
                    yield self._moved(row, f"row {number}")
        except self._error as error:
            raise self._refused(error) from None

    def end(self) -> End | None:
        """A table says nothing of itself."""
        return None

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _moved(self, row: tuple[str | None, ...], where: str) -> Moved:
        key, vector, text, metadata = row
        if vector is None:
            raise NotAsTold(f"{where}, id {key!r}, has no vector", fix="Fill it in or delete it.")
        try:
            told = None if metadata is None else orjson.loads(metadata)
            row_vector = single_precision([orjson.loads(vector)])
            fields = Fields.model_validate(
                {
                    "id": key,
                    "text": text or None,
                    "metadata": {} if told is None else told,
                    "spans": ((0, len(text or "")),),
                }
            )
        except ValidationError as error:
            raise NotAsTold(f"{where}: {describe(error)}") from None
        except (TypeError, ValueError, OverflowError):
            raise NotAsTold(
                f"{where}, id {key!r}: its vector or its metadata is not what was named",
                fix="--vector-column is of type vector or halfvec, --metadata-column of JSON.",
            ) from None
        return fields.moved(where, row_vector)

    def _metric(self, table: str) -> Similarity | None:
        with self._db.cursor() as cursor:
            cursor.execute(_INDEXED_BY, (".".join(f'"{part}"' for part in table.split(".")),))
            found = {row[0].split("_")[1] for row in cursor}
        return METRICS[found.pop()] if len(found) == 1 else None

    def _one(self, statement: str) -> Any:
        with self._db.cursor() as cursor:
            return cursor.execute(self._composed(statement)).fetchone()

    def _composed(self, statement: str) -> Any:
        named = self._columns
        given = {"id": named.id, "vector": named.vector, "text": named.text,
                 "metadata": named.metadata}  # fmt: skip
        quoted = {name: self._sql.Identifier(one) for name, one in given.items() if one}
        return self._sql.SQL(statement).format(table=self._table, **quoted)

    def _refused(self, error: Exception) -> SourceUnreadable:
        return SourceUnreadable(
            f"PostgreSQL refused: {_first_line(error)}",
            fix="Check --table and the columns, and that the user may read them.",
        )


def _require_no_password(url: str) -> None:
    """A command line is seen by others on the machine, and kept by shells."""
    try:
        parts = urlsplit(url)
        given = parts.password or "password" in parse_qs(parts.query)
    except ValueError:
        given = False
    if given:
        raise SourceUnreadable(
            "the address holds a password, which others on this machine could read",
            fix="Leave it out, and put it into ~/.pgpass of the node's user, or PGPASSFILE.",
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0]


def _library() -> Any:
    try:
        import psycopg
        import psycopg.sql
    except ImportError:
        raise ExtraMissing("psycopg", "pgvector") from None
    return psycopg
