"""The door to the messages that cross between organisations: import them from here.

asker       Query
responder   Answer or Denial; Offers to a request for offers
"""

from protocol.answer_message import (
    ANSWER_TYPE,
    Answer,
    Denial,
    Hit,
    Hits,
    Remaining,
    Result,
    RouteReport,
)
from protocol.offers_message import Offer, Offers
from protocol.problems import PROBLEM_TYPE, Problem
from protocol.query_message import Granularity, Query

QUERY_TYPE = "application/json"

__all__ = [
    "ANSWER_TYPE",
    "PROBLEM_TYPE",
    "QUERY_TYPE",
    "Answer",
    "Denial",
    "Granularity",
    "Hit",
    "Hits",
    "Offer",
    "Offers",
    "Problem",
    "Query",
    "Remaining",
    "Result",
    "RouteReport",
]
