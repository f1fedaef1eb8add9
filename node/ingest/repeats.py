"""One id, one document within a file: a line that contradicts an earlier one is refused.

Across files the later one is an update, which is how documents change. Within one file it is a
mistake, and taking the last line would drop a document silently, or put labels on it that the other
line did not have. A line that repeats another one exactly does no harm and passes.
"""

import hashlib
from collections.abc import Iterable, Iterator

import orjson

from node.ingest.errors import BadRecord
from node.ingest.record import Record

_DIGEST_BYTES = 16


def without_contradictions(records: Iterable[Record]) -> Iterator[Record]:
    """Yield the records of one file as they come.

    Remembers 32 bytes and the line of each, about 200 bytes of memory a document.

    Raises BadRecord at the first one whose id stood before with other content; it names both lines.
    """
    seen: dict[bytes, tuple[bytes, str]] = {}
    for record in records:
        name = hashlib.sha256(record.id.encode("utf-8", "surrogatepass")).digest()[:_DIGEST_BYTES]
        content = _content(record)
        line = record.where.rpartition(":")[2]
        earlier, first = seen.setdefault(name, (content, line))
        if earlier != content:
            raise BadRecord(
                record.where,
                f"its id stands in line {first} already, with other content",
                fix="Give each document an id of its own, or leave one of the two lines out.",
            )
        yield record


def _content(record: Record) -> bytes:
    """A digest of everything that a record says beside its id."""
    fields = [sorted(record.labels), record.metadata, record.uri]
    hashed = hashlib.sha256(record.digest)
    hashed.update(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS))
    return hashed.digest()[:_DIGEST_BYTES]
