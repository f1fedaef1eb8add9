"""Under which names the local listeners may be called: no others, whoever resolves them to here.

A page in a browser on this machine can point a name of its own at 127.0.0.1 (DNS rebinding) and
then read what a listener without tokens says. It cannot choose the Host field, so that field must
be an address, `localhost`, the listener's own name, or one that the settings list. An address is
no name that anybody could point elsewhere, so every address will do.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")


def known_hosts_only(names: Iterable[str]) -> Middleware:
    """A middleware that answers 421 where Host is missing, doubled or another name.

    Args:
        names: the listener's own host and those of the settings.
    """
    known = frozenset(name.lower().rstrip(".") for name in names)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.getall("Host", ())
        if len(given) != 1 or not is_known(given[0], known):
            raise web.HTTPMisdirectedRequest
        return await handler(request)

    return check


def is_known(authority: str, names: frozenset[str]) -> bool:
    """Whether a Host field names this machine by an address, as localhost, or as one of `names`."""
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        return False
    host = match[1].lower().rstrip(".")
    if host == "localhost" or host in names:
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
