"""What is wrong with a value, in plain words with an example: a model's refusal for people.

Nobody outside this project knows its regular expressions, and pydantic's sentences are made for
programmers. The value itself is never repeated: it may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from pydantic import StringConstraints, ValidationError

from protocol import metadata_filter, notation

SHOWN = 5
"""Faults named at once; a file with more of them is mended step by step."""

_NAME = "must be 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit, e.g. papers-2026"
_PRINTABLE = "must be printable ASCII without spaces, up to 128 characters, e.g. dua-2026-017"
_ONE_LINE = "must be one line of text without control characters"


def _pattern(of: Any) -> str:
    """The regular expression of an annotated string."""
    found = next(each for each in get_args(of) if isinstance(each, StringConstraints))
    return str(found.pattern)


PATTERNS: dict[str, str] = {
    _pattern(notation.Organisation): (
        "must be written like a domain, in lower case and without a port, e.g. clinic.example"
    ),
    _pattern(notation.BaseUrl): (
        "must be http(s)://HOST:PORT in lower case, without a path, without a slash at the end and"
        " without a default port, e.g. https://clinic.example:8440"
    ),
    _pattern(notation.Authority): "must be HOST or HOST:PORT in lower case, e.g. node.example:8440",
    _pattern(notation.CollectionName): _NAME,
    _pattern(notation.PurposeName): (
        "must be lower-case letters, digits and hyphens, beginning with a letter, at most 64, e.g."
        " clinical-research"
    ),
    _pattern(notation.Word): "must be a lower-case word of at most 64 characters, e.g. mean",
    _pattern(notation.Text): _ONE_LINE,
    _pattern(notation.Digest): "must be sha256: and 64 lower-case hexadecimal digits",
    _pattern(notation.KeyId): "must be the id of a key, 43 letters, digits, - and _",
    _pattern(notation.Base64url): "must be base64url without padding",
    _pattern(notation.Bits128): "must be 128 bits in base64url, 22 characters",
    _pattern(notation.Opaque): _PRINTABLE,
    _pattern(metadata_filter.FieldName): (
        "must name a field of the metadata: 1 to 64 letters, digits and _ . -, e.g. year"
    ),
    _pattern(notation.Url): "must be a URL, e.g. https://clinic.example/requests",
    r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$": (
        "must be 1 to 64 letters, digits and . _ @ -, beginning with a letter or digit, e.g. app-1"
    ),
    r"^\d{4}(-\d{2}){0,2}$": "must be a year, month or day, e.g. 2025, 2025-06 or 2025-06-30",
    r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$": (
        "must be a language tag (BCP 47), e.g. en or de-CH"
    ),
    r"^https?://[^\s/?#@]+(/[^\s?#]*)?$": (
        "must be the URL of an embeddings server, e.g. http://127.0.0.1:8080/v1"
    ),
    r"^[^\x00-\x1f\x7f]+$": "must be one line of text, not empty, without control characters",
}
"""What a regular expression asks for. A test finds every one that a person can meet."""

WORDS: dict[str, str] = {
    "missing": "is missing",
    "string_type": "must be text",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "must have {min_length} characters at least",
    "too_long": "has more than {max_length} entries",
    "too_short": "must have {min_length} entries at least",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "int_type": "must be a whole number, e.g. 10",
    "int_parsing": "must be a whole number, e.g. 10",
    "int_from_float": "must be a whole number, e.g. 10",
    "float_type": "must be a number, e.g. 0.5",
    "float_parsing": "must be a number, e.g. 0.5",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "literal_error": "must be one of {expected}",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object with named fields",
    "model_type": "must be an object with named fields",
    "model_attributes_type": "must be an object with named fields",
    "path_type": "must be a path",
    "json_invalid": "is not valid JSON ({error})",
}


def describe(error: ValidationError, whole: str = "request", known: Iterable[str] = ()) -> str:
    """Name each wrong field and what belongs there, without the value; no full stop at the end.

    Args:
        error: pydantic's refusal.
        whole: what to call the value as a whole, where no field is at fault; "" where the words
            before the description say so.
        known: the fields there are, named where one is not known.
    """
    fields = ", ".join(known)
    faults = error.errors(include_url=False, include_input=False)
    shown = [_fault(dict(each), whole, fields) for each in faults[:SHOWN]]
    more = len(faults) - SHOWN
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def _fault(fault: dict[str, Any], whole: str, known: str) -> str:
    if not fault["loc"] and not whole and fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    where = ".".join(str(step) for step in fault["loc"]) or f"the {whole or 'value'}"
    return f"{where} {_words(fault, known)}"


def _words(fault: dict[str, Any], known: str) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is not known (known: {known})" if known else "is not known"
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(context["pattern"], "is not in the form that is asked for")
    if kind == "value_error":
        return f"is not valid: {context['error']}"
    if context.get("min_length") == 1:
        return "must not be empty"
    if kind in WORDS:
        return WORDS[kind].format(**context)
    text = str(fault["msg"])
    return f"is not valid: {text[:1].lower()}{text[1:]}"
