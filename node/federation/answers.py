"""Answers as messages: what is disclosed, under references, with the terms it was given on.

A stored answer carries, before its payload line, the digest of what its grant shows. It is given
again only while the grant shows the same; else a changed grant would go on showing what it no
longer allows.
"""

from collections.abc import Iterator, Mapping

from node.federation.confidence import flagged
from node.federation.disclose import Disclosure, ShownRecords
from node.federation.epochs import epoch_of
from node.federation.judgement import Routed
from node.federation.question import Question
from node.federation.references import References
from node.policy.grants import Grant
from protocol.answer_line import WrittenAnswer, WrittenRoute
from protocol.leaf import new_salt
from protocol.messages import Answer, Remaining
from protocol.query_message import Query


def disclosed_answer(
    question: Question,
    query: Query,
    routed: Routed,
    disclosure: Disclosure,
    commitments: Mapping[int, str],
    references: References,
    queries_left: int,
) -> WrittenAnswer:
    """Return the answer to a question: internal keys replaced by the peer's references.

    `commitments` are to the contents of the shown records, by internal key.
    """
    permitted, inbound = routed.permitted, routed.inbound
    grant, epoch, keys = permitted.grant, epoch_of(question.at), disclosure.keys
    names = iter(references.make(question.peer, query.collection, epoch, keys))
    bins = permitted.granularity == "bins"
    numbers = permitted.granularity in ("boolean", "count")
    usual = inbound.usual if routed.beside is None else None  # of one version's scores
    low = flagged(disclosure.lists, grant.bin_width, usual) if bins else None
    routed.version.far.note(low)
    return WrittenAnswer(
        salt=new_salt(),
        query=question.accepted.body_digest,
        collection=query.collection,
        version=routed.versions,
        purpose=query.purpose,
        granularity=permitted.granularity,
        bin_width_milli=grant.bin_width if bins else None,
        score_space=inbound.score_space if bins else None,
        score_kind=inbound.score_kind if bins else None,
        route=WrittenRoute(
            adapter=inbound.adapter,
            kind=inbound.kind,
            figures=inbound.figures,
            low_confidence=low,
        ),
        epoch=epoch,
        smallest_count=grant.smallest_count if numbers and grant.smallest_count > 1 else None,
        withheld=disclosure.withheld,
        results=[
            _hits(shown, names, commitments) if isinstance(shown, ShownRecords) else shown
            for shown in disclosure.lists
        ],
        queries=queries_left,
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


def _hits(
    shown: ShownRecords, names: Iterator[str], commitments: Mapping[int, str]
) -> list[dict[str, str | int]]:
    """Name the records of one list; `names` gives the references of all lists, in order."""
    hits: list[dict[str, str | int]]
    if shown.bins is None:
        hits = [{"ref": ref} for _, ref in zip(shown.keys, names, strict=False)]
    else:
        hits = [{"ref": ref, "bin": each} for each, ref in zip(shown.bins, names, strict=False)]
    if commitments:
        for key, hit in zip(shown.keys, hits, strict=True):
            if key in commitments:
                hit["commitment"] = commitments[key]
    return hits
