"""Which kind of source a name means."""

from pathlib import Path

from node.transfer.chroma import ChromaSource
from node.transfer.errors import SourceUnreadable
from node.transfer.form import Source
from node.transfer.named_source import NamedSource
from node.transfer.npy import NpySource
from node.transfer.parquet import ParquetSource
from node.transfer.pgvector import Columns, PgvectorSource


def open_source(named: NamedSource) -> Source:
    """Open a source; blocking. Raises TransferError."""
    scheme = named.source.partition("://")[0]
    if scheme in ("postgresql", "postgres"):
        return _pgvector(named)
    if scheme in ("http", "https"):
        if named.chroma_collection is None:
            raise SourceUnreadable(
                "a Chroma server has many collections", fix="Name one with --chroma-collection."
            )
        return ChromaSource(named.source, named.chroma_collection)
    path = Path(named.source)
    if any(value is not None for value in named.of_servers().values()):
        raise SourceUnreadable(
            f"{path} is a file, and --table, --chroma-collection and the columns are of servers",
            fix="Leave them out, or name the server.",
        )
    if path.suffix == ".parquet":
        return ParquetSource(path)
    if path.suffix == ".npy":
        return NpySource(path)
    raise SourceUnreadable(
        f"{named.source} is neither .parquet nor .npy, nor an address of PostgreSQL or Chroma",
        fix="Documents in JSONL, or vectors without an envelope, come in by `interlingua "
        "collection ingest`.",
    )


def _pgvector(named: NamedSource) -> PgvectorSource:
    if named.table is None or named.id_column is None or named.vector_column is None:
        raise SourceUnreadable(
            "of a database must be known what to read",
            fix="Give --table, --id-column and --vector-column.",
        )
    columns = Columns(
        named.id_column, named.vector_column, named.text_column, named.metadata_column
    )
    return PgvectorSource(named.source, named.table, columns)
