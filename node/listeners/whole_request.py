"""A signed request that came in one piece and in one plain spelling, and its answer, as bytes.

The rule of this file: what it reads, any HTTP/1.1 parser reads in the same way: a known method and
path, one space after each colon, printable ASCII, each of a few known fields at most once, and
exactly as much body as Content-Length says. For everything else `read_whole` gives None, which is
no judgement: the general parser decides (`tests/node/listeners/test_whole_request.py` compares the
two over hostile bytes). Nothing here knows what a field means.
"""

from __future__ import annotations

import re
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from node.federation.replies import RawResponse
from protocol.accept_query import RawRequest
from protocol.profile import BY_TARGET

MAX_HEAD_BYTES = 8190
"""The general parser's limit for one line; no head that is longer is read here."""

_HEAD = re.compile(
    rb"(?P<method>GET|POST) (?P<path>/[a-z0-9/]+) HTTP/1\.1"
    rb"(?P<fields>(?:\r\n[A-Za-z][A-Za-z0-9-]*: [!-~](?:[ -~]*[!-~])?)*)\r\n\r\n"
)
_LENGTH = re.compile(rb"0|[1-9][0-9]{0,8}")
_KNOWN = frozenset(
    b"host content-type content-length content-digest interlingua-from interlingua-to "
    b"signature-input signature accept accept-encoding user-agent "
    b"via forwarded x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip".split()
)
"""Fields that say nothing about how the message is framed or the connection used."""


def read_whole(data: bytes) -> RawRequest | None:
    """Return the request that `data` is, to a signed endpoint; None where it is anything else."""
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
    head = _HEAD.fullmatch(data, 0, end + 4) if end > 0 else None
    if head is None or (head["method"].decode(), head["path"].decode()) not in BY_TARGET:
        return None
    headers = []
    named = {}
    for line in head["fields"].split(b"\r\n")[1:]:
        name, _, value = line.partition(b": ")
        headers.append((name, value))
        named[name.lower()] = value
    body = data[end + 4 :]
    if len(named) != len(headers) or not _KNOWN.issuperset(named) or b"host" not in named:
        return None
    length = named.get(b"content-length", b"0")
    if not _LENGTH.fullmatch(length) or int(length) != len(body):
        return None
    return RawRequest(
        method=head["method"].decode(),
        authority=named[b"host"].decode("ascii").lower(),
        path=head["path"].decode(),
        query="",
        headers=tuple(headers),
        body=body,
    )


def write_answer(answer: RawResponse, at: int) -> bytes:
    """Return an answer's bytes, dated by the node's clock (`at`, epoch seconds)."""
    lines = [
        _status_line(answer.status),
        *(f"{name}: {value}" for name, value in answer.headers),
        f"Content-Length: {len(answer.body)}",
        f"Date: {_date(at)}",
        "Server: interlingua",
        "",
        "",
    ]
    return "\r\n".join(lines).encode("ascii") + answer.body


@lru_cache(maxsize=64)
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"


@lru_cache(maxsize=2)
def _date(at: int) -> str:
    return formatdate(at, usegmt=True)
