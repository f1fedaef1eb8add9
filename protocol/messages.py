"""The door to the messages that cross between organisations: import them from here.

asker       Query; Acknowledgement of answers that it received
responder   Answer or Denial; Offers to a request for offers, Held to one for what is held,
            Confirmed to an acknowledgement
"""

from protocol.acknowledgement import Acknowledgement, Confirmed, ReceivedAnswer
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
from protocol.held_message import Held
from protocol.offers_message import Offer, Offers
from protocol.problems import PROBLEM_TYPE, Problem
from protocol.query_message import Granularity, Query

QUERY_TYPE = "application/json"

__all__ = [
    "ANSWER_TYPE",
    "PROBLEM_TYPE",
    "QUERY_TYPE",
    "Acknowledgement",
    "Answer",
    "Confirmed",
    "Denial",
    "Granularity",
    "Held",
    "Hit",
    "Hits",
    "Offer",
    "Offers",
    "Problem",
    "Query",
    "ReceivedAnswer",
    "Remaining",
    "Result",
    "RouteReport",
]
