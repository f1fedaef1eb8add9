"""Documents that are nearly right: a valid one, changed at random places.

The rule of this file: a change keeps the outside whole, so that it is the inside that is tested. Of
JSON one value is replaced, dropped, doubled or moved; of text and bytes a piece.
"""

import copy
import json
from typing import Any

import orjson

from tests.fuzz.choices import Choices

STRINGS = (
    "", " ", "\x00", "a", "-", "0", "ÿ", "\u202e", "\U0001f600", "a" * 70_000, "../..", "%00",
    "sha256:" + "0" * 64, "sha256:" + "A" * 64, "clinic.example", "CLINIC.example", "xn--a",
    "https://clinic.example", "http://[::1]:0", "https://a.example:99999", "https://[", "====",
    "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", "bins", "boolean", "1e309", "\ud7ff\n",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, 2, 255, 256, 65_536, 2**31, 2**53 - 1, 2**53, -(2**53), 2**63 - 1, 2**64 - 1, 0.5,
    -0.0, 1e308, 5e-324, 1.7976931348623157e308,
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    None, True, False, [], {}, [[]], [None], {"": None}, [0] * 1000, [{}] * 300, {"v": 1},
)  # fmt: skip
TOKENS = (
    b"", b"\x00", b"\n", b"\r\n", b" ", b'"', b"{", b"}", b"[", b"]", b"[" * 5000, b'{"a":' * 5000,
    b",", b":", b"\\", b"\\u0000", b"\\ud800", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"NaN",
    b"-", b"1" * 5000, b"1e999", b"=", b"\xe2\x80\x94 ", b"0", b"\n\n", b";", b"(", b")", b":",
)  # fmt: skip


def value(choices: Choices) -> Any:
    """Any value that JSON has."""
    kind = choices.below(4)
    if kind == 0:
        return choices.pick(STRINGS)
    if kind == 1:
        return choices.pick(NUMBERS)
    if kind == 2:
        return copy.deepcopy(choices.pick(OTHERS))
    return choices.taken(choices.below(40)).decode("latin-1")


def changed_json(document: Any, choices: Choices, most: int = 3) -> Any:
    """A copy of a document with up to `most` changes, at least one."""
    changed = copy.deepcopy(document)
    for _ in range(1 + choices.below(most)):
        places = list(_places(changed))
        if not places:
            return value(choices)
        holder, key = places[choices.below(len(places))]
        _change(holder, key, choices)
    return changed


def spelled(document: Any, choices: Choices) -> bytes:
    """JSON bytes of a document: sorted and compact as canonical JSON is, or another spelling."""
    options = choices.pick((orjson.OPT_SORT_KEYS, orjson.OPT_SORT_KEYS, 0, orjson.OPT_INDENT_2))
    try:
        return orjson.dumps(document, option=options)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(document).encode()


def changed_bytes(raw: bytes, choices: Choices, most: int = 4) -> bytes:
    """A copy of some bytes with up to `most` pieces cut, doubled, put in or flipped."""
    for _ in range(1 + choices.below(most)):
        at, size = choices.below(len(raw) + 1), choices.pick((1, 1, 2, 8, 64, 1000))
        step = choices.below(6)
        if step == 0:
            raw = raw[:at] + raw[at + size :]
        elif step == 1:
            raw = raw[:at] + raw[at : at + size] * 2 + raw[at + size :]
        elif step == 2:
            raw = raw[:at] + choices.pick(TOKENS) + raw[at:]
        elif step == 3:
            raw = raw[:at] + choices.taken(choices.below(9)) + raw[at + size :]
        elif step == 4:
            raw = (
                raw[:at]
                + bytes([b ^ 1 << choices.below(8) for b in raw[at : at + 1]])
                + raw[at + 1 :]
            )
        else:
            other = choices.below(len(raw) + 1)
            raw = raw[:at] + raw[other : other + size] + raw[at:]
    return raw


def _places(document: Any) -> Any:
    """(holder, key or index) of every value in a document."""
    if isinstance(document, dict):
        for key in list(document):
            yield document, key
            yield from _places(document[key])
    elif isinstance(document, list):
        for index in range(min(len(document), 50)):
            yield document, index
            yield from _places(document[index])


def _change(holder: Any, key: Any, choices: Choices) -> None:
    step = choices.below(6)
    if step == 0:
        del holder[key]
    elif step == 1 and isinstance(holder, dict):
        holder[choices.pick(STRINGS)[:100]] = holder[key]
    elif step == 1:
        holder.append(copy.deepcopy(holder[key]))
    elif step == 2 and isinstance(holder[key], str):
        text = holder[key].encode()
        holder[key] = changed_bytes(text, choices, 1).decode("utf-8", "ignore")
    elif step == 3 and type(holder[key]) is int:
        holder[key] += choices.pick((1, -1, 1000, -1000))
    else:
        holder[key] = value(choices)
