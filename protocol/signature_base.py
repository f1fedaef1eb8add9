"""The bytes that an HTTP message signature signs (RFC 9421 section 2.5).

The rule of this file: it knows the grammar and no profile. Component values come from the caller,
already as RFC 9421 section 2 derives them; here they are put together, and whatever could make two
different messages share one signature base is refused: a component named twice, a line break or a
character outside ASCII in a value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache


class NotSignable(ValueError):
    """These components or parameters have no signature base."""


@dataclass(frozen=True, slots=True)
class Component:
    """A component identifier (RFC 9421 section 2): its name and the parameters `req` and `key`.

    `req`: taken from the request that this response answers (section 2.4). `key`: one member of a
    dictionary field (section 2.1.2).
    """

    name: str
    req: bool = False
    key: str | None = None

    def __str__(self) -> str:
        key = "" if self.key is None else f';key="{self.key}"'
        return f'"{self.name}"{";req" if self.req else ""}{key}'


def signature_params(
    identifiers: Iterable[str], parameters: Iterable[tuple[str, int | str]]
) -> str:
    """Return the value of `@signature-params`: serialised components and the parameters.

    RFC 9421 section 2.3, serialised as an inner list (RFC 9651 section 4.1.1.1) with the parameters
    in the given order; integers and strings are what signature parameters are made of.
    """
    return f"({' '.join(identifiers)})" + "".join(
        f";{name}={_bare(value)}" for name, value in parameters
    )


def signature_base(identifiers: Sequence[str], values: Sequence[str], params: str) -> bytes:
    """Return the signature base of components and their values, in the given order.

    `identifiers` are serialised components, `params` is what `signature_params` gives for the same
    ones. Raises NotSignable for a repeated component, for lists of different lengths, and for
    values that do not fit on one line of ASCII (RFC 9421 section 2.5).
    """
    form = _form(tuple(identifiers))
    if form is None or len(identifiers) != len(values):
        raise NotSignable("a component is covered twice, or has no value; name each once")
    text = form % (*values, params)
    if text.count("\n") != len(values) or "\r" in text:
        raise NotSignable("a component value holds a line break")
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise NotSignable("a component value holds a character outside ASCII") from None


@lru_cache(maxsize=64)
def _form(identifiers: tuple[str, ...]) -> str | None:
    """Return the text with a `%s` for each value and the parameters; None for one named twice."""
    if len(set(identifiers)) != len(identifiers):
        return None
    names = (name.replace("%", "%%") for name in (*identifiers, '"@signature-params"'))
    return "\n".join(f"{name}: %s" for name in names)


def _bare(value: int | str) -> str:
    if isinstance(value, int):
        return str(value)
    if not value.isascii() or not value.isprintable():
        raise NotSignable("a string parameter is printable ASCII (RFC 9651 section 3.3.3)")
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
