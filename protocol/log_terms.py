"""Which key signs which part of a log: terms, bounded by the size of the tree.

    size of the tree   0 ........ 4711 ........ 9000 ......
    first key          [------------]
    second key                      [------------]
    third key                                    [--------

Rule of this file: one log's terms touch and leave no gap, so that each checkpoint has one key that
may sign it, or two at the size at which one key hands over to the next. What was stated once is
never stated otherwise: an open term may be closed, and terms may follow; nothing else changes.
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from keys.signer import is_sound
from keys.thumbprint import thumbprint
from protocol.notation import Count, KeyId, WireModel, from_base64url, to_base64url

LogOrigin = Annotated[str, StringConstraints(pattern=r"^[\x21-\x2a\x2c-\x7e]{1,253}$")]
"""Name of a log (C2SP tlog-checkpoint): printable ASCII without spaces and plus signs."""


def names_log_of(origin: str, organisation: str) -> bool:
    """Tell whether `origin` may name a log of the organisation: its name, alone or before a slash.

    Whoever could give its log another organisation's name would speak for that log.
    """
    return origin == organisation or origin.startswith(f"{organisation}/")


class LogTerm(WireModel):
    """A log key and the tree sizes whose checkpoints it signs, from the first to the last one.

    `until_size` is None while nobody took over. `public` is the key itself (base64url), so that one
    document is enough to verify the log from its beginning.
    """

    origin: LogOrigin
    kid: KeyId
    public: Annotated[str, Field(min_length=43, max_length=43)]
    from_size: Count
    until_size: Count | None

    @model_validator(mode="after")
    def _is_sound(self) -> "LogTerm":
        key = self.key
        if not is_sound(key) or thumbprint(key) != self.kid:
            raise ValueError("kid is not the thumbprint of a sound public key")
        if self.until_size is not None and self.until_size < self.from_size:
            raise ValueError("until_size: a term ends where it begins, or later")
        return self

    @classmethod
    def of(cls, origin: str, public: bytes, from_size: int, until_size: int | None) -> "LogTerm":
        """Return the term of a public key (32 bytes)."""
        return cls(
            origin=origin,
            kid=thumbprint(public),
            public=to_base64url(public),
            from_size=from_size,
            until_size=until_size,
        )

    @property
    def key(self) -> bytes:
        """The public key, 32 bytes."""
        return from_base64url(self.public)


def check_terms(terms: Iterable[LogTerm], organisation: str) -> None:
    """Raise ValueError unless these may be the terms of an organisation's logs, oldest first."""
    last: dict[str, LogTerm] = {}
    kids = set()
    for term in terms:
        if not names_log_of(term.origin, organisation):
            raise ValueError(f"log_terms: {term.origin} is no log of {organisation}")
        if term.kid in kids:
            raise ValueError(f"log_terms: key {term.kid} has two terms; a key has one")
        begins = last[term.origin].until_size if term.origin in last else 0
        if term.from_size != begins:
            raise ValueError(
                "log_terms: each term begins where the one before ends, the first at 0"
            )
        kids.add(term.kid)
        last[term.origin] = term


def contradiction(before: Iterable[LogTerm], after: Iterable[LogTerm]) -> str | None:
    """Say what `after` states otherwise than `before`; None where it only goes on."""
    stated = {term.kid: term for term in after}
    for term in before:
        now = stated.get(term.kid)
        closed = None if now is None else term.model_copy(update={"until_size": now.until_size})
        if now is None or now not in (term, closed if term.until_size is None else term):
            return f"the term of log key {term.kid} is missing or another one than before"
    return None


def extended(published: tuple[LogTerm, ...], stated: Iterable[LogTerm]) -> tuple[LogTerm, ...]:
    """Return `published` with what `stated`, all terms of one log, adds to them.

    `published` as it is where the two contradict each other, or where the log has one key only.
    """
    found = tuple(stated)
    origins = {term.origin for term in found}
    own = [term for term in published if term.origin in origins]
    if len(found) < 2 or contradiction(own, found) is not None:
        return published
    return (*(term for term in published if term.origin not in origins), *found)
