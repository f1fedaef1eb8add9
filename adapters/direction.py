"""Whether a map leads the way that it was fitted for, and the views are those that they are called.

The rule of this file: what only looks like a map is refused before anything rests on it. Source and
target that were exchanged give a map that works the other way round. Query and document views that
were exchanged on one side give questions that find more than the documents themselves do, though
nothing is nearer to a text than the same text in another model. Views exchanged on both sides show
nothing here: documents then find queries, as well as queries found documents.
"""

from adapters.errors import WrongDirection
from adapters.map import Chain
from adapters.metrics import Values, known_item_ranks, paired_difference, reciprocal_ranks
from adapters.quality import HeldOut, known_item_values, mapped

CLEARLY = 0.05
"""By how much MRR must be better the other way round, at the lower end of the 95% interval."""


def check_direction(chain: Chain, part: HeldOut) -> None:
    """Refuse maps in a row that find known items better the other way round.

    Raises:
        WrongDirection: source and target, or one side's views, were exchanged.
        WrongDimension: the vectors do not belong to the maps.
    """
    asked = known_item_values(chain, part)
    if chain and chain[0].d_in == chain[-1].d_out and _is_better(_back(chain, part), asked):
        raise WrongDirection(
            f"this map finds more from {chain[-1].target} to {chain[0].source} than the way it is "
            "called: source and target were exchanged; fit it again"
        )
    if _is_better(asked, _by_documents(chain, part)):
        raise WrongDirection(
            "query views find more than the documents themselves do: one side's query and document "
            "views were exchanged; embed the anchors again"
        )


def _back(chain: Chain, part: HeldOut) -> Values:
    """Reciprocal ranks where the target's questions go through the maps to the source's side."""
    other_way = HeldOut(
        part.target_questions, part.target_documents, part.source_questions, part.source_documents
    )
    return known_item_values(chain, other_way)


def _by_documents(chain: Chain, part: HeldOut) -> Values:
    """Reciprocal ranks of each text where its document view is the question."""
    asked = mapped(part.source_documents[: len(part.source_questions)], chain)
    return reciprocal_ranks(known_item_ranks(asked, part.target_documents))


def _is_better(one: Values, other: Values) -> bool:
    return paired_difference(one, other).low > CLEARLY
