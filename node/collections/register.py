"""The register: every version that a collection ever had, with what it is and what became of it."""

from dataclasses import dataclass

from node.store import golden_rows, switch_rows, version_rows
from node.store.golden_rows import Measured
from node.store.store import Store
from node.store.switch_rows import Switch
from node.store.version_rows import Coverage, VersionRow


@dataclass(frozen=True, slots=True)
class Registered:
    """One version; `without_text`: documents of its collection that no model could encode again.

    `by_uri`: documents whose texts are read where they are.
    """

    row: VersionRow
    coverage: Coverage
    without_text: int
    by_uri: int
    events: tuple[Switch, ...]
    quality: tuple[Measured, ...]


def registered(store: Store, collection: str | None = None) -> list[Registered]:
    """Return the versions of one collection, or of all, oldest first; blocking."""
    with store.read() as db:
        return [
            Registered(
                row,
                version_rows.coverage(db, row.collection, row.key),
                version_rows.without_text(db, row.collection, 0)[0],
                sum(1 for _ in version_rows.by_uri(db, row.collection)),
                tuple(
                    each
                    for each in switch_rows.of_collection(db, row.collection)
                    if each.version == row.key
                ),
                tuple(golden_rows.of_version(db, row.key)),
            )
            for row in version_rows.all_rows(db)
            if collection in (None, row.name)
        ]
