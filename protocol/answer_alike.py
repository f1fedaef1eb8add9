"""Answers of one partner that differ in their hits alone are judged whole once.

The rule of this file: an answer is plain where it is spelled as `WrittenAnswer` spells it, and has
no escapes. Of plain answers that are alike but for salt, question, hits and what is left of the
budget, the first is judged whole, with blanks in these places, and each of the others in these
members. For everything else `plain_answer` gives None, which is no judgement: the whole is judged
(`tests/protocol/test_answer_alike.py` compares the two over hostile bytes).
"""

import re
from functools import lru_cache
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from protocol.answer_message import Answer, Hit, Hits, Remaining
from protocol.limits import MAX_BATCH, MAX_REFERENCE_CHARS
from protocol.own_values import altered, stated
from protocol.problems import Refused

_BITS = rb"[A-Za-z0-9_-]{21}[AQgw]"
_HIT = rb'\{"ref":"[A-Za-z0-9_-]{1,%d}"(?:,"bin":(?:0|-?[1-9][0-9]?))?(?:,"commitment":"%b")?\}' % (
    MAX_REFERENCE_CHARS,
    _BITS,
)
_LIST = rb"\[(?:%b(?:,%b)*)?\]" % (_HIT, _HIT)
_LISTS = re.compile(rb"\[%b(?:,%b)*\]" % (_LIST, _LIST))
_HEAD = re.compile(
    rb'\{"v":1,"salt":"(?P<salt>%b)","query":"(?P<query>sha256:[0-9a-f]{64})",' % _BITS
)
_RESULTS, _BUDGET = b',"results":', b',"budget":{"queries":'
_LEFT = re.compile(rb"0|[1-9][0-9]{0,14}")
_LONGEST, _LARGEST_BLANK = 1 << 16, 4096
_BLANK_BITS, _BLANK_QUERY = "A" * 22, "sha256:" + "0" * 64
_BLANK_HEAD = f'{{"v":1,"salt":"{_BLANK_BITS}","query":"{_BLANK_QUERY}",'.encode()

_HITS: TypeAdapter[tuple[tuple[Hit, ...], ...]] = TypeAdapter(
    Annotated[tuple[Hits, ...], Field(strict=False, min_length=1, max_length=MAX_BATCH)]
)


def plain_answer(line: bytes) -> Answer | None:
    """Return the answer in a payload line that is plain and like one that was judged, else None."""
    head, at, end = _HEAD.match(line), line.rfind(_RESULTS), line.rfind(_BUDGET)
    if head is None or not head.end() <= at < end or len(line) > _LONGEST or b"\\" in line:
        return None
    hits = line[at + len(_RESULTS) : end]
    left = _LEFT.match(line, end + len(_BUDGET))
    if left is None or not _LISTS.fullmatch(hits):
        return None
    blank = b"".join(
        (_BLANK_HEAD, line[head.end() : at], _RESULTS, b"[[]]", _BUDGET, b"0", line[left.end() :])
    )
    alike = _blank(blank) if len(blank) <= _LARGEST_BLANK else None
    if alike is None:
        return None
    try:
        answer = altered(
            alike,
            salt=head["salt"].decode(),
            query=head["query"].decode(),
            results=_HITS.validate_json(hits),
            budget=stated(Remaining, queries=int(left[0])),
        )
        answer.check_results()
    except (ValidationError, ValueError):
        return None
    return answer


@lru_cache(maxsize=1024)  # one for each partner, collection and purpose
def _blank(raw: bytes) -> Answer | None:
    """Return the answer with blanks that these bytes are, None if they are none."""
    try:
        blank = Answer.parse(raw)
    except Refused:
        return None
    blanks = (blank.salt, blank.query, blank.results, blank.budget.queries)
    return blank if blanks == (_BLANK_BITS, _BLANK_QUERY, ((),), 0) else None
