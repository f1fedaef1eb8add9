"""The one signature profile: which endpoints there are and what each signature must cover.

The rule of this file: what is not in this table is refused. The order of components and of
parameters is part of the profile, so a signature has one spelling. The parameters' order is that in
which widespread generic signers write them.

    name        method  path                             body              request tag
    query       POST    /federation/v1/query             application/json  interlingua-query-v1
    offers      GET     /federation/v1/offers            none              interlingua-offers-v1
    held        GET     /federation/v1/held              none              interlingua-held-v1
    ack         POST    /federation/v1/ack               application/json  interlingua-ack-v1
    checkpoint  GET     /federation/v1/log/checkpoint    none              interlingua-checkpoint-v1
    proofs      POST    /federation/v1/log/proofs        application/json  interlingua-proofs-v1
    tile        GET     /federation/v1/log/tile/<L>/<N>  none              interlingua-tile-v1

The last row stands for every path that C2SP tlog-tiles gives to a tile of hashes, partial ones too.
A request without a body covers the digest of no bytes, and no content type.
"""

from dataclasses import dataclass, field, replace

from protocol.signature_base import Component
from protocol.tiles import Tile, parse_path

REQUEST_LABEL = "q"
ANSWER_LABEL = "a"
ANSWER_TAG = "interlingua-answer-v1"
ALGORITHM = "ed25519"
PARAMETERS = ("created", "keyid", "alg", "expires", "nonce", "tag")

_WITH_BODY = (
    "@method",
    "@authority",
    "@path",
    "@query",
    "content-type",
    "content-digest",
    "interlingua-from",
    "interlingua-to",
)
_WITHOUT_BODY = tuple(name for name in _WITH_BODY if name != "content-type")

ANSWER_COMPONENTS = (
    Component("@status"),
    Component("content-type"),
    Component("content-digest"),
    Component("@method", req=True),
    Component("@authority", req=True),
    Component("@path", req=True),
    Component("@query", req=True),
    Component("content-digest", req=True),
    Component("interlingua-from", req=True),
    Component("interlingua-to", req=True),
    Component("signature-input", req=True, key=REQUEST_LABEL),
    Component("signature", req=True, key=REQUEST_LABEL),
)
ANSWER_IDENTIFIERS = tuple(str(component) for component in ANSWER_COMPONENTS)
ANSWER_COVERED = " ".join(ANSWER_IDENTIFIERS)


@dataclass(frozen=True)
class Endpoint:
    """One row of the table.

    `content_type` is None where a request has no body. `components` are what a request's signature
    covers, in order; `identifiers` are the same, serialised; `covered` is how they stand between
    the brackets of Signature-Input.
    """

    name: str
    method: str
    path: str
    tag: str
    content_type: str | None
    components: tuple[Component, ...] = field(init=False)
    identifiers: tuple[str, ...] = field(init=False)
    covered: str = field(init=False)

    def __post_init__(self) -> None:
        names = _WITHOUT_BODY if self.content_type is None else _WITH_BODY
        components = tuple(Component(name) for name in names)
        object.__setattr__(self, "components", components)
        identifiers = tuple(str(component) for component in components)
        object.__setattr__(self, "identifiers", identifiers)
        object.__setattr__(self, "covered", " ".join(identifiers))


QUERY = Endpoint(
    "query", "POST", "/federation/v1/query", "interlingua-query-v1", "application/json"
)
OFFERS = Endpoint("offers", "GET", "/federation/v1/offers", "interlingua-offers-v1", None)
HELD = Endpoint("held", "GET", "/federation/v1/held", "interlingua-held-v1", None)
ACK = Endpoint("ack", "POST", "/federation/v1/ack", "interlingua-ack-v1", "application/json")

CHECKPOINT = Endpoint(
    "checkpoint", "GET", "/federation/v1/log/checkpoint", "interlingua-checkpoint-v1", None
)
PROOFS = Endpoint(
    "proofs", "POST", "/federation/v1/log/proofs", "interlingua-proofs-v1", "application/json"
)
TILE = Endpoint("tile", "GET", "/federation/v1/log/tile/<L>/<N>", "interlingua-tile-v1", None)
LOG_PREFIX = "/federation/v1/log/"
"""What tlog-tiles calls the prefix of the log."""

ENDPOINTS: tuple[Endpoint, ...] = (QUERY, OFFERS, HELD, ACK, CHECKPOINT, PROOFS, TILE)
BY_TARGET: dict[tuple[str, str], Endpoint] = {
    (e.method, e.path): e for e in ENDPOINTS if e is not TILE
}


def endpoint_at(method: str, path: str) -> Endpoint | None:
    """Return the endpoint of a target, None where there is none; a tile's has that tile's path."""
    tile = tile_at(path) if method == TILE.method else None
    return endpoint_of(tile) if tile else BY_TARGET.get((method, path))


def endpoint_of(tile: Tile) -> Endpoint:
    """Return the endpoint at which a tile of hashes is read."""
    return replace(TILE, path=LOG_PREFIX + tile.path)


def tile_at(path: str) -> Tile | None:
    """Return the tile of hashes that a path names; entries are not for partners."""
    tile = parse_path(path.removeprefix(LOG_PREFIX)) if path.startswith(LOG_PREFIX) else None
    return tile if tile is not None and tile.level is not None else None
