"""Texts of documents that stay where they are: read by URI, now and whenever a model changes.

The rule of this file: nothing is read that the configuration does not name. `file:` below a named
directory, links followed before that is judged; `https:` from a named host, no redirect, no
credentials; both up to a size and within a time. What a URI gave is remembered by its digest, and
what gives something else later is named, never used.
"""

import hashlib
import http.client
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from node.addresses import AddressPolicy
from node.checked_connection import connection
from node.ingest.errors import BadRecord, IngestError
from node.ingest.record import Record

NAMED_HOSTS = AddressPolicy(
    frozenset({"loopback", "private", "public"}), "no node ever needs such an address"
)
_HTTPS = http.client.HTTPS_PORT


@dataclass(frozen=True, slots=True)
class SourceRules:
    """What may be read: `hosts` as `host` or `host:port`; `timeout_s` is for one document."""

    directories: tuple[Path, ...] = ()
    hosts: tuple[str, ...] = ()
    max_bytes: int = 4 * 1024 * 1024
    timeout_s: float = 10.0


NOTHING = SourceRules()
"""Rules that let nothing be read, as they are unless the settings say otherwise."""


class SourceUnreadable(IngestError):
    """A URI cannot be read, or may not be; never holds what it gave."""

    fix = "See docs/collections.md, Texts that stay where they are."


class SourceChanged(SourceUnreadable):
    """A URI gives something else than when its document was ingested."""

    fix = "Ingest the document again: its vectors are of the former text."


class Sources:
    """Reads texts by URI, within the rules."""

    def __init__(self, rules: SourceRules) -> None:
        """Nothing is read yet."""
        self._rules = rules

    def read(self, uri: str) -> tuple[str, bytes]:
        """Return the text that a URI gives, and the SHA-256 of its bytes; blocking.

        Raises SourceUnreadable.
        """
        parts = self._allowed(uri)
        content = self._file(parts) if parts.scheme == "file" else self._https(parts)
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise SourceUnreadable(f"{uri} gives no text in UTF-8") from None
        if not text.strip():
            raise SourceUnreadable(f"{uri} gives a blank text")
        return text, hashlib.sha256(content).digest()

    def read_again(self, uri: str, digest: bytes) -> str:
        """Return the text that a URI gave before. Raises SourceChanged, SourceUnreadable."""
        text, now = self.read(uri)
        if now != digest:
            raise SourceChanged(f"{uri} has changed since its document was ingested")
        return text

    def text_of(self, text: str | None, uri: str | None, source: bytes | None) -> str | None:
        """Return a stored document's text: its own, or what its URI gave; None where it has none.

        Raises as `read_again`.
        """
        return text if uri is None or source is None else self.read_again(uri, source)

    def look(self, uri: str) -> str | None:
        """Say why a URI cannot be read, as far as that is known without reading it; else None."""
        try:
            parts = self._allowed(uri)
            if parts.scheme == "file":
                self._place(parts)
        except SourceUnreadable as error:
            return str(error)
        return None

    def _allowed(self, uri: str) -> SplitResult:
        try:
            parts = urlsplit(uri)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise SourceUnreadable(f"{uri} is no URI") from None
        if parts.scheme == "file" and parts.netloc in ("", "localhost") and not parts.query:
            return parts
        if parts.scheme == "https" and host and parts.username is None and not parts.fragment:
            here = {f"{host}:{port or _HTTPS}"} | ({host} if port in (None, _HTTPS) else set())
            if here & set(self._rules.hosts):
                return parts
            raise SourceUnreadable(
                f"{uri} is on a host that may not be read from",
                fix="Name the host in sources.hosts of interlingua.toml, or give the text.",
            )
        raise SourceUnreadable(
            f"{uri} is neither file:///PATH nor https://HOST/PATH",
            fix="Give the text, or a URI that this node may read.",
        )

    def _place(self, parts: SplitResult) -> tuple[Path, Path]:
        """The named directory of a URI's file, and its path from there, links followed in both."""
        try:
            place = Path(unquote(parts.path)).resolve(strict=True)
        except (OSError, ValueError):
            raise SourceUnreadable(f"{parts.geturl()} is not there, or not readable") from None
        for named in (one.resolve() for one in self._rules.directories):
            if place.is_relative_to(named):
                return named, place.relative_to(named)
        raise SourceUnreadable(
            f"{parts.geturl()} lies in no directory that may be read from",
            fix="Name the directory in sources.directories of interlingua.toml, or give the text.",
        )

    def _file(self, parts: SplitResult) -> bytes:
        named, place = self._place(parts)
        try:
            descriptor = _opened(named, place)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise SourceUnreadable(f"{parts.geturl()} is no file")
                with os.fdopen(descriptor, "rb", closefd=False) as file:
                    return self._bounded(parts, file.read(self._rules.max_bytes + 1))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise SourceUnreadable(
                f"{parts.geturl()} cannot be read: {error.strerror or 'no reason given'}"
            ) from None

    def _https(self, parts: SplitResult) -> bytes:
        most, timeout_s = self._rules.max_bytes, self._rules.timeout_s
        asked = connection("https", parts.hostname or "", parts.port, NAMED_HOSTS, timeout_s)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            with asked.within(timeout_s):
                asked.request("GET", target, headers={"Accept": "text/plain, text/*"})
                answer = asked.getresponse()
                if answer.status != http.client.OK or answer.getheader("Content-Encoding"):
                    raise SourceUnreadable(
                        f"{parts.geturl()} answered {answer.status}; only 200 without an encoding "
                        "is read, and no redirect is followed"
                    )
                content = answer.read(most + 1)
                if answer.length and len(content) <= most:
                    raise http.client.IncompleteRead(content, answer.length)
        except TimeoutError:
            raise SourceUnreadable(
                f"{parts.geturl()} takes longer than {timeout_s:g} s",
                fix="Try again, raise sources.timeout_s, or give the text.",
            ) from None
        except UnicodeError:
            raise SourceUnreadable(
                f"{parts.geturl()} has characters that a URI may not have",
                fix="Write them percent-encoded, as in %C3%BC.",
            ) from None
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "strerror", None) or type(error).__name__
            raise SourceUnreadable(f"{parts.geturl()} cannot be read: {cause}") from None
        finally:
            asked.close()
        return self._bounded(parts, content)

    def _bounded(self, parts: SplitResult, content: bytes) -> bytes:
        if len(content) > self._rules.max_bytes:
            raise SourceUnreadable(
                f"{parts.geturl()} gives more than {self._rules.max_bytes} bytes",
                fix="Split it into several documents, or raise sources.max_bytes.",
            )
        return content


def _opened(named: Path, place: Path) -> int:
    """Open a file below a directory, step by step: no link put in meanwhile leads elsewhere."""
    # NONBLOCK: a pipe that somebody put there must not hold the node
    how = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    reached = os.open(named, how)
    for part in place.parts:
        above = reached
        try:
            reached = os.open(part, how, dir_fd=above)
        finally:
            os.close(above)
    return reached


def with_texts(records: Iterable[Record], sources: Sources) -> Iterator[Record]:
    """Yield records, those that have nothing but a URI with the text behind it; blocking.

    Raises BadRecord at the first one that cannot be read.
    """
    for record in records:
        if record.uri is None or record.text is not None or record.vector is not None:
            yield record
            continue
        try:
            text, digest = sources.read(record.uri)
        except SourceUnreadable as error:
            raise BadRecord(record.where, str(error), fix=error.fix) from None
        yield replace(record, text=text, source=digest)
