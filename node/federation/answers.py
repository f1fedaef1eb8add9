"""Answers as messages: what is disclosed, under references, with the terms it was given on.

A stored answer carries, before its payload line, the digest of what its grant shows. It is given
again only while the grant shows the same; else a changed grant would go on showing what it no
longer allows.
"""

from collections.abc import Mapping

from node.federation.confidence import flagged
from node.federation.disclose import Disclosure, ShownHit, ShownList
from node.federation.epochs import epoch_of
from node.federation.judgement import Routed
from node.federation.question import Question
from node.federation.references import References
from node.policy.grants import Grant
from protocol.leaf import new_salt
from protocol.messages import Answer, Hit, Remaining, Result, RouteReport
from protocol.query_message import Query


def disclosed_answer(
    question: Question,
    query: Query,
    routed: Routed,
    disclosure: Disclosure,
    commitments: Mapping[int, str],
    references: References,
    queries_left: int,
) -> Answer:
    """Return the answer to a question: internal keys replaced by the peer's references.

    `commitments` are to the contents of the shown records, by internal key.
    """
    permitted, inbound = routed.permitted, routed.inbound
    grant, epoch, keys = permitted.grant, epoch_of(question.at), disclosure.keys
    made = references.make(question.peer, query.collection, epoch, keys)
    names = dict(zip(keys, made, strict=True))
    bins = permitted.granularity == "bins"
    numbers = permitted.granularity in ("boolean", "count")
    return Answer(
        salt=new_salt(),
        query=question.accepted.body_digest,
        collection=query.collection,
        version=routed.version.name,
        purpose=query.purpose,
        granularity=permitted.granularity,
        bin_width_milli=grant.bin_width if bins else None,
        score_space=inbound.score_space if bins else None,
        score_kind=inbound.score_kind if bins else None,
        route=RouteReport(
            adapter=inbound.adapter,
            kind=inbound.kind,
            figures=dict(inbound.figures),
            low_confidence=(
                flagged(disclosure.lists, grant.bin_width, inbound.usual) if bins else None
            ),
        ),
        epoch=epoch,
        smallest_count=grant.smallest_count if numbers and grant.smallest_count > 1 else None,
        withheld=True if disclosure.withheld else None,
        results=tuple(_result(shown, names, commitments) for shown in disclosure.lists),
        budget=Remaining(queries=queries_left),
        request_url=grant.request_url,
    )


def repeated_answer(stored: bytes, grant: Grant, queries_left: int) -> Answer | None:
    """Return a stored answer to be given again, or None where the grant shows something else."""
    mark, payload = stored[: len(shows(grant))], stored[len(shows(grant)) :]
    if mark != shows(grant):
        return None
    return Answer.parse(payload).model_copy(
        update={
            "salt": new_salt(),
            "decision": "repeated",
            "budget": Remaining(queries=queries_left),
            "request_url": grant.request_url,
        }
    )


def shows(grant: Grant) -> bytes:
    """Return the digest of what a grant shows, followed by LF; of one length for every grant."""
    return grant.shows.encode() + b"\n"


def _result(shown: ShownList, names: Mapping[int, str], commitments: Mapping[int, str]) -> Result:
    if isinstance(shown, tuple):
        return tuple(_hit(hit, names, commitments) for hit in shown)
    return shown


def _hit(hit: ShownHit, names: Mapping[int, str], commitments: Mapping[int, str]) -> Hit:
    return Hit(ref=names[hit.key], bin=hit.bin, commitment=commitments.get(hit.key))
