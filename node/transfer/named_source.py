"""Where a collection comes from, as a person names it; node/transfer/opening.py opens it."""

from typing import Any

from pydantic import BaseModel


class NamedSource(BaseModel, extra="forbid"):
    """A file, or a server with what is read there; see `interlingua collection import`."""

    source: str
    table: str | None = None
    id_column: str | None = None
    vector_column: str | None = None
    text_column: str | None = None
    metadata_column: str | None = None
    chroma_collection: str | None = None

    def of_servers(self) -> dict[str, Any]:
        """What only a server is asked for."""
        return {name: getattr(self, name) for name in NamedSource.model_fields if name != "source"}
