"""A policy is the set of grants in force: one digest, one generation, never half applied.

For each peer, collection and purpose at most one grant may speak, so that there is always one
answer to "which rule decided". The digest covers what the grants mean (canonical JSON of sorted
grants), not how the files are laid out; it goes into every leaf.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from node.policy.errors import GrantInvalid
from node.policy.grants import DEFAULT_RATE, Grant, parse_grants
from protocol import canonical

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

_REMEMBERED = 1024
"""Rulings that a policy remembers; questions of one second are mostly alike."""


@dataclass(frozen=True)
class Policy:
    """Grants in a fixed order, with the generation at which they came into force."""

    grants: tuple[Grant, ...] = ()
    generation: int = 0
    digest: str = field(init=False, default="")
    _by_peer: Mapping[str, tuple[Grant, ...]] = field(init=False, repr=False, compare=False)
    _by_collection: Mapping[tuple[str, str], tuple[Grant, ...]] = field(
        init=False, repr=False, compare=False
    )

    _rulings: dict[Hashable, Any] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        _refuse_overlap(self.grants)
        ordered = tuple(sorted(self.grants, key=_order))
        object.__setattr__(self, "grants", ordered)
        object.__setattr__(self, "digest", digest_of(ordered))
        object.__setattr__(self, "_by_peer", _grouped(ordered, lambda g: g.peer))
        object.__setattr__(
            self, "_by_collection", _grouped(ordered, lambda g: (g.peer, g.collection))
        )

    def between(self, peer: str, collection: str) -> tuple[Grant, ...]:
        """Return the grants of one peer for one collection (they differ in purposes)."""
        return self._by_collection.get((peer, collection), ())

    def ruling(self, asked: Hashable, rule: Callable[[], T]) -> T:
        """Return what `rule` says of a question under this policy; computed once while remembered.

        `asked` is all that it depends on beside the policy, the time included.
        """
        found = self._rulings.get(asked)
        if found is None:
            if len(self._rulings) >= _REMEMBERED:
                self._rulings.clear()
            found = self._rulings[asked] = rule()
        return found

    def of_peer(self, peer: str) -> tuple[Grant, ...]:
        """Return every grant of one peer."""
        return self._by_peer.get(peer, ())

    def rate(self, peer: str) -> int:
        """Return how many vectors a minute the peer may send: the largest rate of its grants."""
        return max((g.rate for g in self.of_peer(peer)), default=DEFAULT_RATE)


def digest_of(grants: tuple[Grant, ...]) -> str:
    """Return `sha256:<hex>` over the canonical JSON of the grants in their fixed order."""
    return canonical.digest(canonical.dumps({"v": 1, "grants": [g.plain() for g in grants]}))


def read_policy(files: Mapping[str, str], generation: int) -> Policy:
    """Build a policy from grant files (name -> TOML text).

    Raises GrantInvalid, naming the file, when any of it is wrong; then nothing applies.
    """
    grants = [g for name, text in sorted(files.items()) for g in parse_grants(text, name)]
    return Policy(tuple(grants), generation)


def _grouped(grants: Iterable[Grant], by: Callable[[Grant], K]) -> Mapping[K, tuple[Grant, ...]]:
    groups: dict[K, list[Grant]] = {}
    for grant in grants:
        groups.setdefault(by(grant), []).append(grant)
    return MappingProxyType({key: tuple(group) for key, group in groups.items()})


def _order(grant: Grant) -> tuple[str, str, tuple[str, ...]]:
    return grant.peer, grant.collection, grant.purposes


def _refuse_overlap(grants: Iterable[Grant]) -> None:
    seen: set[tuple[str, str, str]] = set()
    for grant in grants:
        for purpose in grant.purposes:
            rule = (grant.peer, grant.collection, purpose)
            if rule in seen:
                raise GrantInvalid(
                    f"two grants speak for {grant.peer}, collection {grant.collection}, purpose "
                    f"{purpose}; leave the purpose in one of them"
                )
            seen.add(rule)
