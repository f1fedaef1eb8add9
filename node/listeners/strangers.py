"""How much strangers may make this node read: so much from one address, so much in all.

The rule of this file: what it remembers is bounded. The addresses of one IPv6 /64 count as one.
Whoever uses many meets the limit of all of them together; behind a proxy every stranger has the
proxy's address.
"""

from __future__ import annotations

from collections import OrderedDict

from node.listeners.bodies import network_of

MAX_ADDRESSES = 4096


class Strangers:
    """Token buckets, each holding a minute's worth.

    Args:
        per_address: requests a minute from one address.
        in_all: requests a minute from all.
    """

    def __init__(self, per_address: int, in_all: int) -> None:
        self._per_address = per_address
        self._in_all = in_all
        self._all = (float(in_all), 0.0)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admit(self, address: str, now: float) -> bool:
        """Say whether one more request of an address is read.

        `now` is in seconds of a clock that never goes back.
        """
        network = network_of(address)
        own = _filled(
            self._buckets.get(network, (float(self._per_address), now)), self._per_address, now
        )
        everyone = _filled(self._all, self._in_all, now)
        admitted = own >= 1 and everyone >= 1
        self._buckets[network] = (own - admitted, now)
        self._buckets.move_to_end(network)
        if len(self._buckets) > MAX_ADDRESSES:
            self._buckets.popitem(last=False)
        self._all = (everyone - admitted, now)
        return admitted


def _filled(bucket: tuple[float, float], per_minute: int, now: float) -> float:
    tokens, at = bucket
    return min(float(per_minute), tokens + max(0.0, now - at) * per_minute / 60)
