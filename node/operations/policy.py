"""Operations on the policy: apply, diff, explain, show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from node.federation.event_leaves import policy_appender
from node.operations.caller import caller
from node.operations.registry import NoRequest, Progress, operation
from node.policy.diff import Change, difference
from node.policy.grants import ALL_LABELS, Grant, Granularity
from node.policy.purposes import KNOWN, nearest
from node.policy.rules import Asked, rule_on
from protocol.metadata_filter import FieldName
from protocol.notation import CollectionName, Organisation, PurposeName

if TYPE_CHECKING:
    from node.node import Node
    from node.policy.policy import Policy


class GrantFiles(BaseModel, extra="forbid"):
    """Grant files by name; together they are the whole policy, so no file means no grant."""

    files: dict[str, str]


class PolicyChanges(BaseModel):
    """What would change, or changed; `warnings` are about grants that cannot work yet."""

    generation: int
    digest: str
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]


_THOUSANDTHS = ("bin_width", "floor", "share_per_epoch")


class GrantShown(BaseModel):
    """A grant as people write it: scores as fractions; times are epoch seconds UTC, exclusive."""

    peer: str
    collection: str
    purposes: tuple[str, ...]
    labels: tuple[str, ...]
    granularity: Granularity
    bin_width: float
    filterable: tuple[str, ...]
    max_k: int
    floor: float
    smallest_count: int
    rate: int
    queries_per_day: int
    near_duplicates_per_day: int
    scored_answers: int | None
    answers_per_record: int | None
    records_per_epoch: int | None
    share_per_epoch: float | None
    agreement: dict[str, str | int] | None
    expires: int | None
    request_url: str | None

    @classmethod
    def of(cls, grant: Grant) -> GrantShown:
        """Return what is shown of a grant."""
        fields = grant.plain()
        thousandths = {
            name: fields[name] / 1000 for name in _THOUSANDTHS if fields[name] is not None
        }
        return cls.model_validate({**fields, **thousandths})


class PolicyShown(BaseModel):
    """The policy in force: its grants, and the files as they were applied."""

    generation: int
    digest: str
    applied_at: int
    grants: tuple[GrantShown, ...]
    files: dict[str, str]


class Explain(BaseModel, extra="forbid"):
    """A question that a peer might ask; `filter` are the fields that its filter would name."""

    peer: Organisation
    collection: CollectionName
    purpose: PurposeName
    k: Annotated[int, Field(ge=1)] = 10
    granularity: Granularity | None = None
    agreement: str | None = None
    filter: tuple[FieldName, ...] = ()


class RuleChecked(BaseModel):
    """One rule in the order in which rules are looked at."""

    rule: str
    holds: bool
    reason: str


class Explanation(BaseModel):
    """Whether the question would be answered, which rule decides, and why."""

    allowed: bool
    rule: str
    reason: str
    rules: tuple[RuleChecked, ...]
    granularity: Granularity | None
    grant: GrantShown | None
    queries_left: int | None


@operation("policy.apply")
async def apply(node: Node, request: GrantFiles, progress: Progress) -> PolicyChanges:
    """Bring grant files into force, all or none, from the next query on."""
    del progress
    append = policy_appender(node.log, node.clock, caller())
    before, after = await node.policy.apply(request.files, node.clock(), append)
    return _changes(node, before, after)


@operation("policy.diff")
async def diff(node: Node, request: GrantFiles, progress: Progress) -> PolicyChanges:
    """Say what grant files would change; change nothing."""
    del progress
    now, proposed = node.policy.current, node.policy.propose(request.files)
    return _changes(node, now, now if proposed.digest == now.digest else proposed)


@operation("policy.show", role="auditor")
async def show(node: Node, request: NoRequest, progress: Progress) -> PolicyShown:
    """Show the policy in force."""
    del request, progress
    policy, stored = node.policy.current, node.policy.stored
    return PolicyShown(
        generation=policy.generation,
        digest=policy.digest,
        applied_at=stored.applied_at,
        grants=tuple(map(GrantShown.of, policy.grants)),
        files=stored.files,
    )


@operation("policy.explain", role="auditor")
async def explain(node: Node, request: Explain, progress: Progress) -> Explanation:
    """Say whether a peer's question would be answered now, and which rule decides."""
    del progress
    at = node.clock()
    peer = node.peers.find(request.peer)
    state = peer.state if peer else "unknown"
    known = RuleChecked(
        rule="peer-state", holds=state == "active", reason=f"{request.peer} is {state} here"
    )
    asked = Asked(
        request.peer,
        request.collection,
        request.purpose,
        request.k,
        request.granularity,
        request.agreement,
        request.filter,
    )
    ruling = rule_on(node.policy.current, asked, at)
    grant = ruling.grant
    left = node.ledgers.queries_left(grant, at) if grant else None
    checks = [known, *(RuleChecked(**vars(check)) for check in ruling.checks)]
    if ruling.allowed and grant is not None and left is not None:
        checks.append(
            RuleChecked(
                rule="queries-per-day",
                holds=left > 0,
                reason=f"{left} of {grant.queries_per_day} vectors are left today (UTC)",
            )
        )
    deciding = next((check for check in checks if not check.holds), checks[-1])
    return Explanation(
        allowed=deciding.holds,
        rule=deciding.rule,
        reason=deciding.reason,
        rules=tuple(checks),
        granularity=ruling.granularity,
        grant=GrantShown.of(grant) if grant else None,
        queries_left=left,
    )


def _changes(node: Node, before: Policy, after: Policy) -> PolicyChanges:
    return PolicyChanges(
        generation=after.generation,
        digest=after.digest,
        changes=tuple(difference(before, after)),
        warnings=tuple(warning for grant in after.grants for warning in _warnings(node, grant)),
    )


def _warnings(node: Node, grant: Grant) -> list[str]:
    """What would keep a grant from working, or makes it wider than its author may think."""
    where = f"{grant.peer}, {grant.collection}:"
    warnings = []
    if node.peers.find(grant.peer) is None:
        warnings.append(f"{where} {grant.peer} is no peer yet (interlingua peer invite)")
    if grant.collection not in {collection.name for collection in node.collections.all()}:
        warnings.append(f"{where} there is no such collection yet")
    if not grant.has_floor and grant.granularity in ("boolean", "count"):
        warnings.append(
            f"{where} without a floor, {grant.granularity} only says whether there are k documents"
        )
    warnings += [
        f"{where} {_unknown(purpose)}" for purpose in grant.purposes if purpose not in KNOWN
    ]
    if grant.labels == (ALL_LABELS,):
        warnings.append(f"{where} every document is visible, whatever its labels")
    return [*warnings, *(f"{where} {lowered}" for lowered in _lowered(node, grant))]


def _lowered(node: Node, grant: Grant) -> Iterator[str]:
    """Limits of answers that are set higher than a grant can."""
    from node.federation.record_limits import limits_of

    for collection in node.collections.all():
        if collection.name == grant.collection:
            limits = limits_of(grant, collection.envelope.dimension, lambda: 0)
            for name, limit in (
                ("answers_per_record", limits.answers),
                ("scored_answers", limits.scored),
            ):
                wanted = getattr(grant, name)
                if wanted is not None and wanted > limit:
                    yield f"{name} = {wanted} counts as {limit}, the most that is possible here"


def _unknown(purpose: str) -> str:
    near = nearest(purpose)
    meant = f"; did you mean {near}?" if near else ""
    return f"the purpose {purpose} is not one of docs/purposes.md{meant}"
