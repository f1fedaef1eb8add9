"""An organisation with its keys, which signs root documents and cards for tests."""

from typing import Any

from keys.ring import KeyPurpose, KeyRecord
from keys.signer import SeedSigner
from protocol.card import Card, CardLimits, Route, sign_card
from protocol.envelope import Envelope
from protocol.root import Key, RootDocument, sign_root
from tests.protocol.samples import envelope

NOW = 1_800_000_000
DAY_S = 86_400


def signer(name: str) -> SeedSigner:
    """A key of a name, always the same."""
    return SeedSigner.from_seed(name.encode().ljust(32, b"\0"))


def key(name: str, purpose: KeyPurpose, **changes: Any) -> Key:
    """The record of a named key, valid for two years around NOW."""
    period = {"not_before": NOW - 365 * DAY_S, "not_after": NOW + 365 * DAY_S, **changes}
    return Key.of(KeyRecord.of(signer(name).public, purpose, **period))


def root(**changes: Any) -> RootDocument:
    """Version 1 of clinic.example, issued now."""
    fields: dict[str, Any] = {
        "organisation": "clinic.example",
        "version": 1,
        "issued": NOW,
        "expires": NOW + 90 * DAY_S,
        "roots": (key("root 1", "root"),),
        "keys": (key("card 1", "card"), key("sign 1", "sign"), key("log 1", "log")),
        "authorities": ("clinic.example:8443",),
        "url": "https://clinic.example:8443",
    }
    return RootDocument(**{**fields, **changes})


def signed_root(document: RootDocument, *names: str) -> bytes:
    """The document, signed by named keys."""
    return sign_root(document, [signer(name) for name in names or ("root 1",)])


SPACE: Envelope = envelope()
FOREIGN: Envelope = envelope(model="foreign")
ROUTE = Route(
    space=FOREIGN.space_id, into=SPACE.space_id, adapter="sha256:" + "a" * 64, kind="ridge"
)


def card(**changes: Any) -> Card:
    """Serial 1 under `root()`, issued now."""
    fields: dict[str, Any] = {
        "organisation": "clinic.example",
        "serial": 1,
        "issued": NOW,
        "expires": NOW + DAY_S,
        "root_version": 1,
        "root_digest": root().digest,
        "url": "https://clinic.example:8443",
        "log_origin": "clinic.example/log",
        "log_kid": signer("log 1").kid,
        "spaces": (SPACE,),
        "routes": (ROUTE,),
        "limits": CardLimits(max_query_bytes=4_194_304, max_batch=256, max_k=1000),
    }
    return Card(**{**fields, **changes})


def signed_card(document: Card, *names: str) -> bytes:
    """The card, signed by named keys."""
    return sign_card(document, [signer(name) for name in names or ("card 1",)])
