"""Parquet: a row is a vector; head and end are in the file's key-value metadata.

The rule of this file: one row group is in memory at a time, and no more than `PIECES` rows are in
one. Only this file knows pyarrow, the extra `parquet`.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
from pydantic import ValidationError

from node.transfer.errors import ExtraMissing, NotAsTold, SourceUnreadable
from node.transfer.fields import Fields
from node.transfer.form import PIECES, End, Head, Moved, Tally, parse_end, parse_head
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

MAX_GROUP_BYTES = 1 << 30
"""A row group that would take more memory than this is refused."""


def write(file: BinaryIO, head: Head, documents: Iterable[Moved]) -> End:
    """Write the documents. Raises ExtraMissing."""
    arrow, parquet = _libraries()
    schema = _schema(arrow, head.envelope.dimension)
    tally = Tally()
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
        with self._named():
            self._file = parquet.ParquetFile(path)
            told = self._file.metadata.metadata or {}
            names = set(self._file.schema_arrow.names)
        self.head: Head | None = parse_head(self._json(told, HEAD), path.name)
        self._end = parse_end(self._json(told, END), path.name)
        self.total: int | None = self._end.documents
        missing = {*COLUMNS} - names
        if missing:
            raise NotAsTold(f"{path} lacks the columns {', '.join(sorted(missing))}")

    def documents(self) -> Iterator[Moved]:
        """Yield the documents, rows of one id together."""
        for _, rows in groupby(self._rows(), key=lambda row: row["id"]):
            yield self._document(list(rows))

    def end(self) -> End | None:
        """What the metadata says."""
        return self._end

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _rows(self) -> Iterator[dict[str, Any]]:
        number = 0
        for group in range(self._file.metadata.num_row_groups):
            size = self._file.metadata.row_group(group).total_byte_size
            if size > MAX_GROUP_BYTES:
                raise NotAsTold(f"{self._path} has a row group of {size} bytes; the most is 1 GiB")
            with self._named():
                table = self._file.read_row_group(group, columns=list(COLUMNS)).combine_chunks()
                vectors = self._vectors(table)
                columns = {n: table.column(n).to_pylist() for n in COLUMNS if n != "vector"}
            for place, vector in enumerate(vectors):
                number += 1
                row = {name: values[place] for name, values in columns.items()}
                yield {**row, "vector": vector, "where": f"{self._path}, row {number}"}

    def _vectors(self, table: Any) -> Any:
        column = table.column("vector")
        width = getattr(column.type, "list_size", -1)
        if width < 1 or column.null_count:
            raise NotAsTold(f"the vectors of {self._path} are no lists of one fixed size")
        parts = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
        return np.concatenate(parts or [np.empty(0)]).astype(np.float32).reshape(-1, width)

    def _document(self, rows: list[dict[str, Any]]) -> Moved:
        first, where = rows[0], rows[0]["where"]
        try:
            metadata = orjson.loads(first["metadata"] or "{}")
            fields = Fields.model_validate(
                {
                    **{name: first[name] for name in ("id", "uri", "text", "encoded", "source")},
                    "labels": tuple(first["labels"] or ()),
                    "metadata": metadata,
                    "spans": tuple((row["start"], row["stop"]) for row in rows),
                }
            )
        except orjson.JSONDecodeError:
            raise NotAsTold(f"{where}: metadata is no JSON object") from None
        except ValidationError as error:
            raise NotAsTold(f"{where}: {describe(error)}") from None
        return fields.moved(where, np.stack([row["vector"] for row in rows]))

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


def _libraries() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ExtraMissing("pyarrow", "parquet") from None
    return pyarrow, pyarrow.parquet
