"""The rules that decide whether a question may be answered, in their order, each with its name.

One function serves the responder (step 11) and `policy explain`: what is explained is what is
done. The first rule that fails decides; its name goes into the leaf and to the partner, its
explanation stays here, since it may speak of what the partner need not know.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from node.policy.grants import GRANULARITIES, Grant, Granularity
from node.policy.policy import Policy

Rule = Literal[
    "collection",
    "purpose",
    "grant-expired",
    "agreement",
    "agreement-expired",
    "granularity",
    "k",
    "filter",
]


@dataclass(frozen=True)
class Asked:
    """What a question asks for, as far as a grant speaks of it; `filter`: the fields it names."""

    peer: str
    collection: str
    purpose: str
    k: int
    granularity: Granularity | None = None
    agreement: str | None = None
    filter: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """One rule, whether it holds, and why (for the own admin only)."""

    rule: Rule
    holds: bool
    reason: str


@dataclass(frozen=True)
class Ruling:
    """The outcome: the grant that speaks, if one does, and every rule that was looked at."""

    checks: tuple[Check, ...]
    grant: Grant | None
    granularity: Granularity | None

    @cached_property
    def allowed(self) -> bool:
        """Whether every rule holds."""
        return all(check.holds for check in self.checks)

    @property
    def deciding(self) -> Check:
        """The rule that decides: the one that failed, or the last that held."""
        return next((c for c in self.checks if not c.holds), self.checks[-1])


def rule_on(policy: Policy, asked: Asked, at: int) -> Ruling:
    """Decide a question under a policy at a time (epoch seconds, UTC)."""
    return policy.ruling((asked, at), lambda: _rule(policy, asked, at))


def _rule(policy: Policy, asked: Asked, at: int) -> Ruling:
    grants = policy.between(asked.peer, asked.collection)
    checks = [_collection(asked, grants)]
    grant = next((g for g in grants if asked.purpose in g.purposes), None)
    if checks[-1].holds:
        checks.append(_purpose(asked, grants))
    if grant is None:
        return Ruling(tuple(checks), None, None)
    for rule in _GRANT_RULES:
        checks.append(rule(asked, grant, at))
        if not checks[-1].holds:
            return Ruling(tuple(checks), grant, None)
    return Ruling(tuple(checks), grant, asked.granularity or grant.granularity)


def _collection(asked: Asked, grants: tuple[Grant, ...]) -> Check:
    if grants:
        return Check("collection", True, f"{asked.peer} has a grant for {asked.collection}")
    return Check(
        "collection", False, f"no grant gives {asked.peer} the collection {asked.collection}"
    )


def _purpose(asked: Asked, grants: tuple[Grant, ...]) -> Check:
    granted = sorted({p for g in grants for p in g.purposes})
    if asked.purpose in granted:
        return Check("purpose", True, f"purpose {asked.purpose} is granted")
    return Check(
        "purpose",
        False,
        f"purpose {asked.purpose} is not among those granted ({', '.join(granted)})",
    )


def _grant_expiry(_asked: Asked, grant: Grant, at: int) -> Check:
    if grant.expires is None:
        return Check("grant-expired", True, "the grant has no end")
    holds = at < grant.expires
    return Check("grant-expired", holds, f"the grant ends at {grant.expires}, it is {at}")


def _agreement(asked: Asked, grant: Grant, _at: int) -> Check:
    own = grant.agreement.id if grant.agreement else None
    if asked.agreement is None or asked.agreement == own:
        return Check("agreement", True, f"the grant rests on agreement {own or '(none)'}")
    return Check(
        "agreement", False, f"the question names {asked.agreement}, the grant {own or '(none)'}"
    )


def _agreement_expiry(_asked: Asked, grant: Grant, at: int) -> Check:
    if grant.agreement is None:
        return Check("agreement-expired", True, "the grant rests on no agreement")
    holds = at < grant.agreement.until
    return Check(
        "agreement-expired",
        holds,
        f"agreement {grant.agreement.id} ends at {grant.agreement.until}, it is {at}",
    )


def _granularity(asked: Asked, grant: Grant, _at: int) -> Check:
    wanted = asked.granularity or grant.granularity
    holds = GRANULARITIES.index(wanted) <= GRANULARITIES.index(grant.granularity)
    return Check("granularity", holds, f"{wanted} is asked, up to {grant.granularity} granted")


def _k(asked: Asked, grant: Grant, _at: int) -> Check:
    return Check("k", asked.k <= grant.max_k, f"k = {asked.k}, at most {grant.max_k} is granted")


def _filter(asked: Asked, grant: Grant, _at: int) -> Check:
    # whether the collection has such a field makes no difference: it is not looked at
    beyond = sorted(set(asked.filter) - set(grant.filterable))
    if beyond:
        return Check("filter", False, f"no filter by {', '.join(beyond)} is granted")
    return Check("filter", True, f"filters by {', '.join(grant.filterable) or 'nothing'} granted")


_GRANT_RULES: tuple[Callable[[Asked, Grant, int], Check], ...] = (
    _grant_expiry,
    _agreement,
    _agreement_expiry,
    _granularity,
    _k,
    _filter,
)
