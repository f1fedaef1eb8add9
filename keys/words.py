"""Words that two people can read to each other, instead of hexadecimal digits.

The rule of this file: words come from SHA-256 under a label that says what they are words of, so
that words of one kind never pass for another. 11 bits a word, the English list of BIP-39, in which
the first four letters of a word identify it.

How many words are enough depends on what an attacker may try offline. A fingerprint can be ground
by making keys until one matches, and a meeting point can be ground from both ends at once, which
costs the square root: 12 words (132 bits) leave 2^66 steps for that, 6 words (66 bits) only 2^33.
So six words are for material that cannot be ground from both ends and where each step is slow, as
in a pairing (protocol/pairing.py), or to which both sides were bound before either saw the words.
"""

import hashlib
import re
from functools import cache

from mnemonic import Mnemonic

from keys.thumbprint import PUBLIC_KEY_BYTES

FINGERPRINT_WORDS = 12
SAFETY_WORDS = 6
MAX_WORDS = 23  # 253 of the digest's 256 bits

_WORD_BITS = 11
_PREFIX_LETTERS = 4
_FINGERPRINT_LABEL = b"interlingua root fingerprint v1\n"
_SAFETY_LABEL = b"interlingua safety words v1\n"


def fingerprint(root_public: bytes) -> list[str]:
    """Return the 12 words of a raw 32-byte root public key; ValueError for another length."""
    if len(root_public) != PUBLIC_KEY_BYTES:
        raise ValueError(f"an Ed25519 public key has 32 bytes; this has {len(root_public)}")
    return _words(_FINGERPRINT_LABEL + root_public, FINGERPRINT_WORDS)


def safety_words(material: bytes, n: int = SAFETY_WORDS) -> list[str]:
    """Return `n` words (1 to 23) of `material`, which both people hold.

    Six are enough only for material that is hard to grind; else use twelve (see above).
    """
    if not 1 <= n <= MAX_WORDS:
        raise ValueError(f"{n} words were asked for; possible are 1 to {MAX_WORDS}")
    return _words(_SAFETY_LABEL + material, n)


def same_words(a: str, b: str) -> bool:
    """Compare two spoken or typed lists of words.

    Letter case, separators (anything but letters) and endings do not count: a word may be shortened
    to its first four letters. A word that is not in the list makes the comparison False, as does an
    empty list.
    """
    first, second = _read(a), _read(b)
    return first is not None and first == second


def _words(material: bytes, n: int) -> list[str]:
    digest = int.from_bytes(hashlib.sha256(material).digest(), "big")
    words = _word_list()
    return [
        words[(digest >> (256 - _WORD_BITS * (at + 1))) & (2**_WORD_BITS - 1)] for at in range(n)
    ]


def _read(text: str) -> list[str] | None:
    found = [_by_spelling().get(token) for token in re.findall(r"[^\W\d_]+", text.lower())]
    words = [word for word in found if word is not None]
    return words if words and len(words) == len(found) else None


@cache
def _word_list() -> tuple[str, ...]:
    return tuple(Mnemonic("english").wordlist)


@cache
def _by_spelling() -> dict[str, str]:
    """Every accepted spelling: the whole word, or its beginning from four letters on."""
    spellings: dict[str, str] = {}
    for word in _word_list():
        for length in range(min(_PREFIX_LETTERS, len(word)), len(word) + 1):
            spellings[word[:length]] = word
    return spellings
