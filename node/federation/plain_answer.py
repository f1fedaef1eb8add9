"""The bytes of a request to a partner, and of an answer that came in one plain spelling.

The rule of this file: what it reads, any HTTP/1.1 parser reads in the same way: a status line, one
space after each colon, printable ASCII, each field at most once, and Content-Length alone says
where the body ends. For everything else `read_head` gives None, which is no judgement: aiohttp is
asked instead (`tests/node/federation/test_plain_answer.py` compares the two over hostile bytes).
Nothing here knows what a field means beyond where the message ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_HEAD_BYTES = 8190
"""aiohttp's limit for one line; no head that is longer is read here."""

_HEAD = re.compile(
    rb"HTTP/1\.1 (?P<status>[2-5][0-9]{2}) [ -~]*"
    rb"(?P<fields>(?:\r\n[A-Za-z][A-Za-z0-9-]*: [!-~](?:[ -~]*[!-~])?)*)\r\n\r\n"
)
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,8}")
_FRAMING = frozenset((b"transfer-encoding", b"trailer", b"upgrade"))
_BODILESS = frozenset((204, 304))
"""Statuses whose messages have no body, whatever Content-Length says (RFC 9110 section 6.4.1)."""

_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]*: [!-~](?:[ -~]*[!-~])?")


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before a body of `length` bytes; `keeps`: more may be asked afterwards."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    length: int
    keeps: bool


def read_head(head: bytes) -> Head | None:
    """Return the head that these bytes are, to its blank line; None where it is not plain."""
    found = _HEAD.fullmatch(head)
    if found is None or len(head) > MAX_HEAD_BYTES:
        return None
    headers = []
    named = {}
    for line in found["fields"].split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        headers.append((name, value))
        named[name.lower()] = value
    status, length = int(found["status"]), named.get(b"content-length", b"")
    keeps = named.get(b"connection", b"keep-alive").lower()
    if (
        len(named) != len(headers)
        or not _FRAMING.isdisjoint(named)
        or not _LENGTH.fullmatch(length)
        or keeps not in (b"keep-alive", b"close")
        or status in _BODILESS
    ):
        return None
    return Head(status, tuple(headers), int(length), keeps == b"keep-alive")


def write_request(
    method: str, target: str, host: str, headers: Sequence[tuple[str, str]], body: bytes | None
) -> bytes | None:
    """Return a request's bytes; None where a field is not plain, or the method wants a body."""
    if body is None and method != "GET":
        return None
    fields = [f"{name}: {value}" for name, value in (("Host", host), *headers)]
    if body is not None:
        fields.append(f"Content-Length: {len(body)}")
    if not all(map(_FIELD.fullmatch, fields)):
        return None
    head = "\r\n".join((f"{method} {target} HTTP/1.1", *fields, "", ""))
    return head.encode("ascii") + (body or b"")
