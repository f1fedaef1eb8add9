"""Superseded root documents of partners: `peers/roots/<organisation>/<version>.<digest>.json`.

The rule of this file: what was once accepted is kept for ever, also after a partnership has ended,
because requests in the log were signed under keys that only these documents name. They serve audits
and nothing else; nobody is recognised by them.
"""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from node import durable_file
from protocol.document import DocumentRefused
from protocol.root import RootDocument, read_root

FOLDER = "roots"
DIGEST_CHARS = 16


def keep(peers: Path, organisation: str, documents: Iterable[str]) -> None:
    """Keep root documents (DSSE envelopes) of a partner that newer ones replace."""
    for text in documents:
        raw = text.encode()
        version = read_root(raw)[0].version
        folder = peers / FOLDER / organisation
        path = folder / f"{version}.{sha256(raw).hexdigest()[:DIGEST_CHARS]}.json"
        if not path.exists():
            for each in (folder.parent, folder):  # parents of mkdir would not get the mode
                each.mkdir(exist_ok=True, mode=0o700)
            durable_file.replace(path, raw)


def kept(peers: Path, organisation: str) -> tuple[list[RootDocument], list[str]]:
    """Return the kept documents of a partner in the order of their issue, and what is damaged."""
    found, damaged = [], []
    for path in sorted((peers / FOLDER / organisation).glob("*.json")):
        try:
            found.append(read_root(path.read_bytes())[0])
        except (OSError, DocumentRefused) as error:
            damaged.append(f"{organisation}/{path.name}: {error}")
    return sorted(found, key=lambda document: (document.issued, document.version)), damaged


def organisations(peers: Path) -> list[str]:
    """Return the partners, also former ones, of whom documents are kept."""
    return sorted(path.name for path in (peers / FOLDER).glob("*") if path.is_dir())
