"""The bundle that two admins exchange: an organisation's root document and card, as one file.

`interlingua peer card` writes it, `interlingua peer add` reads it. Nothing in it is secret and
nothing in it is trusted: the words that the other admin reads out decide which root key may be
pinned, and the documents must verify under that key.
"""

from keys.words import fingerprint, same_words
from node.federation.errors import BundleInvalid, WordsDiffer
from protocol.canonical import dumps
from protocol.card import Card, accept_card
from protocol.document import DocumentRefused, read_document
from protocol.limits import MAX_DOCUMENT_BYTES
from protocol.root import ROOT_TYPE, RootDocument, RootRefused, accept_root
from protocol.strict_json import StrictJsonError, parse

BUNDLE_TYPE = "interlingua-peer-v1"
MAX_BUNDLE_BYTES = 3 * MAX_DOCUMENT_BYTES

_FIX = "Ask the partner for the output of `interlingua peer card` again."


def write_bundle(root: bytes, card: bytes) -> str:
    """Return the bundle of a root document and a card (their DSSE envelopes' bytes)."""
    return dumps({"type": BUNDLE_TYPE, "root": root.decode(), "card": card.decode()}).decode()


def read_bundle(raw: bytes) -> tuple[bytes, bytes]:
    """Return the (unverified) envelopes of root document and card; raises BundleInvalid."""
    try:
        fields = parse(raw, MAX_BUNDLE_BYTES, 2)
    except StrictJsonError as error:
        raise BundleInvalid(f"This is no partner's bundle: {error}.", fix=_FIX) from None
    root, card = fields.get("root"), fields.get("card")
    if (
        set(fields) != {"type", "root", "card"}
        or fields["type"] != BUNDLE_TYPE
        or not isinstance(root, str)
        or not isinstance(card, str)
    ):
        raise BundleInvalid(f"This is no bundle of type {BUNDLE_TYPE}.", fix=_FIX)
    return root.encode(), card.encode()


def judge(root_raw: bytes, card_raw: bytes, words: str, at: int) -> tuple[str, RootDocument, Card]:
    """Verify a bundle against the words that a person got from the partner's admin.

    Returns the kid to pin, the root document and the card. Raises WordsDiffer when no root key in
    the document has these words, BundleInvalid when the documents do not verify under that key.
    """
    try:
        claimed = read_document(root_raw, ROOT_TYPE, RootDocument, RootRefused)[0]
        pin = next((key for key in claimed.roots if _has_words(key.record.public, words)), None)
        if pin is None:
            raise WordsDiffer(
                f"The words do not belong to a root key of {claimed.organisation}.",
                fix="Compare all twelve words with the partner's admin, over a channel that "
                "you trust; do not take them from where the bundle came from.",
            )
        root = accept_root(root_raw, pin.kid, None, at)
        return pin.kid, root, accept_card(card_raw, root, None, at)
    except DocumentRefused as error:
        raise BundleInvalid(f"The partner's documents do not verify: {error}", fix=_FIX) from None


def _has_words(public: bytes, words: str) -> bool:
    return same_words(" ".join(fingerprint(public)), words)
