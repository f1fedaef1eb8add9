"""Offers of a partner, which decide whom a question goes to."""

from functools import cache

import orjson

from node.federation.ask import AskRequest
from node.federation.selection import affordable, targets
from protocol.messages import Offers
from protocol.problems import Refused
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_json, spelled
from tests.fuzz.target import Target
from tests.protocol.exchange import offers

QUESTIONS = (
    AskRequest(texts=("a",), purpose="clinical-research"),
    AskRequest(texts=("a",), purpose="other", peers=("hospital.example",)),
    AskRequest(texts=("a",), purpose="other", collections=("hospital.example/papers", "papers")),
)


@cache
def valid() -> list[bytes]:
    """One offer with what there may be of it, the same twice, none."""
    (offer,) = offers().offers
    full = offer.model_copy(
        update={
            "description": "what lies there",
            "language": "en",
            "filterable": ("year",),
            "queries_per_day": 1000,
            "rate": 60,
            "exposure_quarters": 3,
            "agreement": "DSA-12",
            "expires": 1_800_000_000,
            "request_url": "https://hospital.example/apply",
        }
    )
    return [offers(offers=some).encode() for some in ((full,), (offer, full), ())]


def nearly(choices: Choices) -> bytes:
    """Offers with other members."""
    return spelled(changed_json(orjson.loads(choices.pick(valid()[:2])), choices), choices)


def read(raw: bytes) -> None:
    """Read them, and choose by them what to ask."""
    offered = Offers.parse(raw).offers
    for question in QUESTIONS:
        affordable(question, targets(question, "hospital.example", offered))


TARGET = Target(
    "offers",
    "offers are read and questions chosen by them, or Refused",
    read,
    (Refused,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
