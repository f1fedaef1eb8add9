"""Steps 13 and 14: search what may be told, reserve what is told, show it.

The rule of this file: a record that may not be told of any more is left out of the search itself. A
record may be used up by another question between the search and the reservation; the vectors that
found it are then searched again, so that its place never stays empty.
"""

from typing import TYPE_CHECKING

import numpy as np
import structlog

from node.federation.beside import Both, Search
from node.federation.commitments import commitments_of
from node.federation.disclose import Disclosure, ShownList, Terms, disclose_all
from node.federation.record_limits import RecordLimits, limits_of
from node.federation.scoring import search_scored
from node.index.among import Among
from node.index.located import Located
from protocol.canonical import dumps
from protocol.problems import Code, Refused

if TYPE_CHECKING:
    from node.federation.disclose import Ranking
    from node.federation.judgement import Routed
    from node.federation.reservation import Reservation, ReservedRecords
    from node.index.segment import IntArray
    from protocol.query_message import Query

ROUNDS = 16
"""How often in a row all that is missing is searched again in vain, because other questions use up
what was found."""

_log = structlog.get_logger(__name__)


async def search_and_disclose(
    query: "Query", routed: "Routed", reservation: "Reservation"
) -> Disclosure:
    """Search for every vector of a question and return what is shown of what was found.

    Raises Refused: search-failed, or busy where other questions keep using up what was found.
    """
    filtered = query.filter is not None
    terms = Terms.of(routed.permitted.grant, routed.permitted.granularity, filtered=filtered)
    records = reservation.records(record_limits(routed))
    shown: dict[int, ShownList] = {}
    fruitless = 0
    while fruitless < ROUNDS:
        missing = [at for at in range(len(routed.vectors)) if at not in shown]
        found = await _search(query, routed, records, missing)
        told = disclose_all(found, terms, records)
        shown |= {missing[at]: each for at, each in told.items()}
        if len(shown) == len(routed.vectors):
            return Disclosure(tuple(shown[at] for at in sorted(shown)), records.withheld)
        # a batch that uses records up itself gets on by at least one vector a round
        fruitless = fruitless + 1 if len(shown) + len(missing) == len(routed.vectors) else 0
    raise Refused(Code.BUSY, "records are being used up by other questions", authenticated=True)


def record_limits(routed: "Routed") -> RecordLimits:
    """Return the limits of each record that a question may find.

    What is stored and what is scored may differ in width: the narrower is solved for sooner.
    """
    grant, collection = routed.permitted.grant, routed.permitted.collection
    return limits_of(grant, routed.width, lambda: collection.count_visible(grant.visible))


def canonical_filter(query: "Query") -> bytes:
    """Return a question's filter in canonical JSON, empty where it has none."""
    return b"" if query.filter is None else dumps(query.model_dump(mode="json")["filter"])


async def commitments_to_shown(
    query: "Query", routed: "Routed", disclosure: Disclosure
) -> dict[int, str]:
    """Return the commitments to the shown records' contents by internal key.

    None where the grant does not allow them or nobody asked. Raises Refused: search-failed.
    """
    grant, collection = routed.permitted.grant, routed.permitted.collection
    if not grant.content_commitment or query.commitment_key is None:
        return {}
    try:
        return await commitments_of(collection, query.commitment_key, disclosure.keys)
    except Exception as error:
        # not with its words: SQLite quotes a text that it cannot decode
        name = type(error).__name__
        _log.error("commitments failed", collection=query.collection, error=name)
        raise Refused(Code.SEARCH_FAILED, type(error).__name__, authenticated=True) from error


async def _filtered(query: "Query", routed: "Routed") -> "IntArray | None":
    if query.filter is None:
        return None
    return await routed.permitted.collection.matching(query.filter)


async def _search(
    query: "Query",
    routed: "Routed",
    records: "ReservedRecords",
    numbers: list[int],
) -> "list[Ranking]":
    """Step 13; whatever goes wrong is a failure of this node, and told as no more."""
    try:
        among = records.among.within(await _filtered(query, routed))
        old = _scored(routed, numbers, query.k, among)
        if routed.beside is None:
            return await old()
        new = _scored(routed.beside, numbers, query.k, among)
        covered = routed.permitted.collection.covered_in(routed.beside.version)
        return await Both(old, new, covered, comparable=True).search()
    except Exception as error:
        _log.exception("search failed", collection=query.collection)
        raise Refused(Code.SEARCH_FAILED, type(error).__name__, authenticated=True) from error


def _scored(routed: "Routed", numbers: list[int], k: int, among: Among) -> Search:
    """Return the search of one version for the vectors of these numbers."""
    searched, asked = routed.searched, routed.vectors
    if len(numbers) < len(asked):
        same, some = asked is searched, np.array(numbers)
        searched = searched[some]
        asked = searched if same else asked[some]
    return lambda: search_scored(
        routed.version,
        Located(routed.inbound.into, searched),
        asked,
        k,
        routed.permitted.grant.visible,
        routed.inbound.scoring,
        among,
    )
