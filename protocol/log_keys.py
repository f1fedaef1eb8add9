"""The keys that may sign one log's checkpoints, each for a range of tree sizes.

Rule of this file: a checkpoint counts if a key signed it whose range holds its size. A key that no
term names yet follows the last term that is known: it may sign from where that begins, and nothing
before it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keys.thumbprint import thumbprint
from protocol.log_errors import BeyondTerm
from protocol.log_terms import LogTerm
from protocol.note import VerifierKey


@dataclass(frozen=True)
class SizeRange:
    """Tree sizes from the first to the last one; `last` None: without end."""

    first: int
    last: int | None = None

    def __contains__(self, size: int) -> bool:
        return self.first <= size and (self.last is None or size <= self.last)

    def __str__(self) -> str:
        end = "on" if self.last is None else f"to {self.last}"
        return f"from {self.first} leaves {end}"


@dataclass(frozen=True)
class LogKeys:
    """Verifier keys of the log `origin`, and the tree sizes that each may sign.

    `took_over` are those of which a term is stated: they have signed the log, the others may have.
    """

    origin: str
    ranges: Mapping[VerifierKey, SizeRange]
    took_over: frozenset[VerifierKey] = frozenset()

    @classmethod
    def single(cls, key: VerifierKey) -> "LogKeys":
        """Return the keys of a log of which one key is known, and no bound."""
        return cls(key.name, {key: SizeRange(0)})

    @classmethod
    def of_terms(cls, origin: str, terms: Iterable[LogTerm], also: Iterable[bytes]) -> "LogKeys":
        """Return the keys of the log's terms and those of `also` (32 bytes each).

        `terms` may name other logs too; a key that has its term there signs nothing here.
        """
        found: dict[VerifierKey, SizeRange] = {}
        named, newest = set(), 0
        for term in terms:
            named.add(term.key)
            if term.origin == origin:
                key = VerifierKey(origin, term.key)
                found[key] = SizeRange(term.from_size, term.until_size)
                newest = term.from_size
        took_over = frozenset(found)
        for public in also:
            if public not in named:
                found[VerifierKey(origin, public)] = SizeRange(newest)
        return cls(origin, found, took_over)

    def only(self, kids: Iterable[str]) -> "LogKeys":
        """Return those keys whose ids are in `kids`, with their ranges."""
        wanted = frozenset(kids)
        found = {k: r for k, r in self.ranges.items() if thumbprint(k.public) in wanted}
        return LogKeys(self.origin, found, self.took_over.intersection(found))

    @property
    def kids(self) -> frozenset[str]:
        """The ids of all keys."""
        return frozenset(thumbprint(key.public) for key in self.ranges)

    def require(self, signed: Iterable[VerifierKey], size: int) -> None:
        """Raise BeyondTerm unless one of the keys that signed may sign a tree of that size."""
        keys = tuple(signed)
        if any(size in self.ranges[key] for key in keys):
            return
        told = "; ".join(
            f"log key {thumbprint(key.public)} signs {self.ranges[key]}" for key in keys
        )
        raise BeyondTerm(f"a checkpoint of {size} leaves is outside of its key's term: {told}")
