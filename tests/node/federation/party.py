"""An organisation with real keys and signed documents, for tests that need a partner on paper."""

from dataclasses import dataclass, field

from keys.ring import KeyPurpose, KeyRecord
from keys.signer import SeedSigner, Signer
from node.federation.peer import PeerRecord
from protocol.card import Card, CardLimits, sign_card
from protocol.root import Key, RootDocument, sign_root

NOW = 1_800_000_000
YEAR_S = 365 * 86_400
WORDS = "census video fly gold slogan glow"


@dataclass
class Party:
    """Keys of every purpose, and documents signed with them."""

    organisation: str
    url: str = "https://lab.example"
    keys: dict[KeyPurpose, Signer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for purpose in ("root", "card", "sign", "log"):
            self.keys.setdefault(purpose, SeedSigner.generate())

    def root(self, version: int = 1, at: int = NOW, days: int = 90) -> RootDocument:
        def key(purpose: KeyPurpose) -> Key:
            public = self.keys[purpose].public
            return Key.of(KeyRecord.of(public, purpose, NOW - YEAR_S, NOW + YEAR_S))

        return RootDocument(
            organisation=self.organisation,
            version=version,
            issued=at,
            expires=at + days * 86_400,
            roots=(key("root"),),
            keys=tuple(key(p) for p in self.keys if p != "root"),
            authorities=(self.url.partition("://")[2],),
            url=self.url,
        )

    def card(self, serial: int = 1, at: int = NOW, root: RootDocument | None = None) -> Card:
        root = root or self.root()
        return Card(
            organisation=self.organisation,
            serial=serial,
            issued=at,
            expires=at + 86_400,
            root_version=root.version,
            root_digest=root.digest,
            url=self.url,
            log_origin=f"{self.organisation}/log",
            log_kid=self.keys["log"].kid,
            limits=CardLimits(max_query_bytes=1 << 20, max_batch=16, max_k=100),
        )

    def signed_root(self, document: RootDocument | None = None) -> bytes:
        return sign_root(document or self.root(), [self.keys["root"]])

    def signed_card(self, card: Card | None = None) -> bytes:
        return sign_card(card or self.card(), [self.keys["card"]])

    def record(self, words: str = WORDS) -> PeerRecord:
        return PeerRecord(
            organisation=self.organisation,
            state="pending",
            pinned=self.keys["root"].kid,
            root=self.signed_root().decode(),
            card=self.signed_card().decode(),
            reach="public",
            added_at=NOW,
            changed_at=NOW,
            words=words,
        )
