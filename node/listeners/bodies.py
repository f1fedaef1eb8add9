"""Reading request bodies of strangers: each within its size and time, all within one sum.

Without the sum, every connection that the cap permits could hold a body of the largest size in
memory before anything about its sender is known. Within it, nobody may hold so much that others
get nothing:

- one address an eighth, all strangers together one half;
- a partner a quarter. Who a partner is, its signed header fields say before the body is whole; they
  are judged only where the address has used up its share, since judging costs a signature check.
  So partners behind one proxy, or beside a stranger who fills everything, are still read;
- where nobody can say who a partner is, as with announcements, whoever holds most gives way: a body
  that finds the strangers' share full ends the oldest one of the address that holds most, as long
  as that is more than its own address then has. So what is small and comes at once is read however
  many addresses keep slow bodies open.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from aiohttp import web

MAX_HELD_BYTES = 128 * 1024 * 1024

Vouch = Callable[[], str | None]
"""Names the partner that signed a request's header fields, None for anybody else."""


class TooManyBytes(Exception):
    """The bodies would take too much memory, all together or this sender's; it may try again."""


class Bodies:
    """Counts the bytes of bodies that are being read.

    Args:
        body_bytes: largest body.
        body_s: seconds within which a body must have arrived.
        held_bytes: largest sum of all bodies that are not whole yet.
        gives_way: whether bodies end for others, see above.
    """

    def __init__(
        self,
        body_bytes: int,
        body_s: float,
        held_bytes: int = MAX_HELD_BYTES,
        *,
        gives_way: bool = False,
    ) -> None:
        self._body_bytes = body_bytes
        self._body_s = body_s
        self._held_bytes = held_bytes
        self._strangers_bytes = max(held_bytes // 2, body_bytes)
        self._address_bytes = max(held_bytes // 8, body_bytes)
        self._partner_bytes = max(held_bytes // 4, body_bytes)
        self._gives_way = gives_way
        self._under_way: dict[_Account, None] = {}
        self._by_address: Counter[str] = Counter()
        self._by_partner: Counter[str] = Counter()

    async def read(self, request: web.Request, vouch: Vouch = lambda: None) -> bytes:
        """The whole body of a request.

        `vouch` is called at most once, where the sender's address has no share left.

        Raises:
            HTTPRequestEntityTooLarge: it is longer than a body may be; the rest is not read.
            TimeoutError: it did not arrive in time.
            TooManyBytes: other bodies hold the memory, or this one gave way to another.
        """
        body, account = bytearray(), _Account(self._by_address, network_of(request.remote or ""))
        try:
            async with asyncio.timeout(self._body_s) as account.limit:
                self._under_way[account] = None
                async for chunk in request.content.iter_any():
                    if len(body) + len(chunk) > self._body_bytes:
                        raise web.HTTPRequestEntityTooLarge(
                            max_size=self._body_bytes, actual_size=len(body) + len(chunk)
                        )
                    if not (self._fits(account, len(chunk)) or self._room(account, len(chunk))):
                        self._vouched(account, vouch(), len(body), len(chunk))
                    account.add(len(chunk))
                    body += chunk
        except TimeoutError:
            if account.gave_way:
                raise TooManyBytes from None
            raise
        finally:
            account.add(-account.own)
            self._under_way.pop(account, None)
        return bytes(body)

    def has_room(self, address: str, size: int) -> bool:
        """Whether a body that has come whole fits beside those that are being read."""
        account = _Account(self._by_address, network_of(address))
        return size <= self._body_bytes and self._fits(account, size)

    def _fits(self, account: _Account, more: int) -> bool:
        strangers, partners = self._by_address.total(), self._by_partner.total()
        if strangers + partners + more > self._held_bytes:
            return False
        if account.book is self._by_partner:
            return account.held + more <= self._partner_bytes
        return (
            account.held + more <= self._address_bytes and strangers + more <= self._strangers_bytes
        )

    def _room(self, account: _Account, more: int) -> bool:
        """Whether others have given way to `more` bytes."""
        if not self._gives_way or account.held + more > self._address_bytes:
            return False
        while not self._fits(account, more):
            name, most = self._by_address.most_common(1)[0]
            if most <= account.held + more:
                return False
            next(each for each in self._under_way if each.name == name and each.own).give_way()
        return True

    def _vouched(self, account: _Account, partner: str | None, held: int, more: int) -> None:
        """Count what has come so far for the partner instead; raises TooManyBytes."""
        if account.book is self._by_partner or partner is None:
            raise TooManyBytes
        account.add(-held)
        account.book, account.name = self._by_partner, partner
        account.add(held)
        if not self._fits(account, more):
            raise TooManyBytes


class _Account:
    """What one body's bytes are counted under; an account with nothing in it is forgotten.

    Attributes:
        own: bytes of this body alone.
        limit: ends its reading.
        gave_way: whether another body has ended it.
    """

    def __init__(self, book: Counter[str], name: str) -> None:
        self.book = book
        self.name = name
        self.own = 0
        self.gave_way = False
        self.limit: asyncio.Timeout | None = None

    @property
    def held(self) -> int:
        """Bytes of this and all other bodies of the account."""
        return self.book[self.name]

    def add(self, count: int) -> None:
        """Count bytes in, or out where `count` is negative."""
        self.own += count
        self.book[self.name] += count
        if not self.book[self.name]:
            del self.book[self.name]

    def give_way(self) -> None:
        """End the reading of this body; its bytes count no more."""
        self.gave_way = True
        self.add(-self.own)
        if self.limit is not None and not self.limit.expired():  # its own time may be up just now
            self.limit.reschedule(asyncio.get_running_loop().time())


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """What counts as one sender: an IPv4 address, or an IPv6 /64, which one customer has."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))
