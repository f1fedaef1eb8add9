"""Parquet: a row is a vector; head and end are in the file's key-value metadata.

The rule of this file: at most `PIECES` rows are in memory at a time, a value that many rows share
once, and of a document's fields those of its first row; so a small file cannot unfold into a large
one there. Only this file knows pyarrow, the extra `parquet`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
from pydantic import ValidationError

from node.ingest.record import single_precision
from node.regular_file import open_regular
from node.transfer.errors import ExtraMissing, NotAsTold, SourceUnreadable
from node.transfer.fields import MAX_PIECES, Fields
from node.transfer.form import (
    PIECES,
    End,
    FloatArray,
    Head,
    Moved,
    Tally,
    parse_end,
    parse_head,
)
from node.wrong_values import describe
from protocol.envelope import Similarity

HEAD, END = b"interlingua.collection", b"interlingua.end"
COLUMNS = (
    "id",
    "start",
    "stop",
    "vector",
    "labels",
    "metadata",
    "uri",
    "text",
    "encoded",
    "source",
)

SHARED = ("id", "metadata", "uri", "text", "source")
"""Texts, which stay as they are in the file: a dictionary, and a place in it for each row."""

MAX_GROUP_BYTES = 1 << 30
"""A row group that says it takes more memory than this is refused."""


def write(file: BinaryIO, head: Head, documents: Iterable[Moved]) -> End:
    """Write the documents. Raises ExtraMissing."""
    arrow, parquet = _libraries()
    schema = _schema(arrow, head.envelope.dimension)
    tally = Tally(head)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for rows in _batches(documents, tally):
            columns = [arrow.array([row[n] for row in rows], schema.field(n).type)
                       for n in COLUMNS if n != "vector"]  # fmt: skip
            flat = np.concatenate([row["vector"] for row in rows])
            vectors = arrow.FixedSizeListArray.from_arrays(flat, head.envelope.dimension)
            columns.insert(COLUMNS.index("vector"), vectors)
            writer.write_table(arrow.Table.from_arrays(columns, schema=schema))
        told = {HEAD: head.model_dump_json(), END: tally.end.model_dump_json()}
        writer.add_key_value_metadata({key.decode(): value for key, value in told.items()})
    return tally.end


class ParquetSource:
    """A Parquet file with an envelope."""

    metric: Similarity | None = None

    def __init__(self, path: Path) -> None:
        """Read head and end. Raises TransferError."""
        _, parquet = _libraries()
        self._path = path
        try:
            open_regular(path).close()  # pyarrow would wait for a pipe's writer
        except OSError as error:
            raise SourceUnreadable(f"{path} cannot be read: {error.strerror}") from None
        with self._named():
            with parquet.ParquetFile(path) as plain:
                told, columns = plain.metadata.metadata or {}, plain.schema_arrow
            shared = [name for name in SHARED if name in columns.names]
            self._file = parquet.ParquetFile(path, read_dictionary=shared)
        head = parse_head(self._json(told, HEAD), path.name)
        self.head: Head | None = head
        self._end = parse_end(self._json(told, END), path.name)
        self.total: int | None = self._end.documents
        self._width = head.envelope.dimension
        self._require_columns()

    def documents(self) -> Iterator[Moved]:
        """Yield the documents, rows of one id together."""
        for _, rows in groupby(self._rows(), key=lambda row: row.id):
            # one more than a document may have, which its fields then refuse
            yield self._document(list(islice(rows, MAX_PIECES + 1)))

    def end(self) -> End | None:
        """What the metadata says."""
        return self._end

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _require_columns(self) -> None:
        """Refuse what is no table of the documented columns, before any of it is read."""
        arrow, _ = _libraries()
        found = self._file.schema_arrow
        missing = {name for name in COLUMNS if found.names.count(name) != 1}
        if missing:
            raise NotAsTold(f"{self._path} lacks the columns {', '.join(sorted(missing))}")
        if getattr(found.field("vector").type, "list_size", -1) != self._width:
            raise NotAsTold(
                f"the vectors of {self._path} are no lists of one fixed size, the {self._width} "
                "components that its envelope says"
            )
        for wanted in _schema(arrow, self._width):
            kind = found.field(wanted.name).type
            kind = kind.value_type if arrow.types.is_dictionary(kind) else kind
            if wanted.name != "vector" and kind not in _alike(arrow, wanted.type):
                raise NotAsTold(f"the column {wanted.name} of {self._path} is no {wanted.type}")

    def _require_size(self, group: int) -> None:
        """Refuse a row group by what its own counts say of it, before it is read."""
        told = self._file.metadata.row_group(group)
        columns = [told.column(number) for number in range(told.num_columns)]
        most = max((one.num_values for one in columns if one.path_in_schema.startswith("vector")),
                   default=0)  # fmt: skip
        if most > told.num_rows * self._width:
            raise NotAsTold(f"{self._path} has vectors of more than {self._width} components")
        size = max(told.total_byte_size, sum(one.total_uncompressed_size for one in columns))
        if size > MAX_GROUP_BYTES:
            raise NotAsTold(f"{self._path} has a row group of {size} bytes; the most is 1 GiB")

    def _rows(self) -> Iterator["_Row"]:
        number = 0
        for group in range(self._file.metadata.num_row_groups):
            self._require_size(group)
            batches = self._file.iter_batches(PIECES, [group], list(COLUMNS))
            while (batch := self._next(batches)) is not None:
                for place, vector in enumerate(self._vectors(batch)):
                    number += 1
                    yield _Row(self._path, number, batch, place, vector)

    def _next(self, batches: Iterator[Any]) -> Any:
        with self._named():
            return next(batches, None)

    def _vectors(self, batch: Any) -> Any:
        column = batch.column("vector")
        if column.null_count:
            raise NotAsTold(f"{self._path} has rows without a vector")
        with self._named():
            flat = column.flatten().to_numpy(zero_copy_only=False)
            return single_precision(flat).reshape(len(batch), self._width)

    def _document(self, rows: list["_Row"]) -> Moved:
        first, where = rows[0], rows[0].where
        try:
            fields = Fields.model_validate(
                {
                    **{name: first.value(name) for name in ("id", "uri", "text", "encoded")},
                    "source": first.value("source"),
                    "labels": tuple(first.value("labels") or ()),
                    "metadata": orjson.loads(first.value("metadata") or "{}"),
                    "spans": tuple((row.value("start"), row.value("stop")) for row in rows),
                }
            )
        except orjson.JSONDecodeError:
            raise NotAsTold(f"{where}: metadata is no JSON object") from None
        except ValidationError as error:
            raise NotAsTold(f"{where}: {describe(error)}") from None
        except UnicodeDecodeError:
            raise NotAsTold(f"{where}: a text is not UTF-8") from None
        return fields.moved(where, np.stack([row.vector for row in rows]))

    def _json(self, told: Mapping[bytes, bytes], key: bytes) -> Any:
        try:
            return orjson.loads(told[key])
        except (KeyError, orjson.JSONDecodeError):
            raise NotAsTold(
                f"{self._path} has no {key.decode()} in its metadata, so nothing says what its "
                "vectors are",
                fix="Export it with `interlingua collection export`; vectors without an envelope "
                "come in by `interlingua collection ingest` from .npy or JSONL.",
            ) from None

    def _named(self) -> "_Named":
        return _Named(self._path)


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """A row of a batch; its values become Python's only where they are asked for."""

    path: Path
    number: int
    batch: Any
    place: int
    vector: FloatArray

    def value(self, name: str) -> Any:
        """What a column holds here."""
        return self.batch.column(name)[self.place].as_py()

    @property
    def id(self) -> Any:
        """Whose row it is."""
        try:
            return self.value("id")
        except UnicodeDecodeError:
            raise NotAsTold(f"{self.where}: the id is not UTF-8") from None

    @property
    def where(self) -> str:
        """Its place, for messages."""
        return f"{self.path}, row {self.number}"


class _Named:
    """Turns what pyarrow raises about a file into this room's error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        arrow, _ = _libraries()
        damage = OSError, ValueError, MemoryError, OverflowError, arrow.ArrowException
        if kind is not None and issubclass(kind, damage):
            raise SourceUnreadable(f"{self._path} cannot be read as Parquet") from None


def _batches(documents: Iterable[Moved], tally: Tally) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for one in documents:
        tally.add(one)
        metadata = orjson.dumps(one.metadata, option=orjson.OPT_SORT_KEYS).decode()
        for place, ((start, stop), vector) in enumerate(zip(one.spans, one.vectors, strict=True)):
            rows.append(
                {
                    "id": one.id, "start": start, "stop": stop, "vector": vector,
                    "labels": one.labels, "metadata": metadata, "uri": one.uri,
                    "text": None if place else one.text, "encoded": one.encoded,
                    "source": one.source,
                }
            )  # fmt: skip
        if len(rows) >= PIECES:
            yield rows
            rows = []
    if rows:
        yield rows


def _schema(arrow: Any, dimension: int) -> Any:
    types = {
        "id": arrow.string(), "start": arrow.int64(), "stop": arrow.int64(),
        "vector": arrow.list_(arrow.float32(), dimension), "labels": arrow.list_(arrow.string()),
        "metadata": arrow.string(), "uri": arrow.string(), "text": arrow.string(),
        "encoded": arrow.bool_(), "source": arrow.string(),
    }  # fmt: skip
    return arrow.schema(list(types.items()))


def _alike(arrow: Any, kind: Any) -> list[Any]:
    """A type and those that other writers have for the same values."""
    if kind == arrow.string():
        return [kind, arrow.large_string()]
    if arrow.types.is_list(kind):
        other = (arrow.list_, arrow.large_list)
        return [of(text) for of in other for text in (arrow.string(), arrow.large_string())]
    return [kind]


def _libraries() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ExtraMissing("pyarrow", "parquet") from None
    return pyarrow, pyarrow.parquet
