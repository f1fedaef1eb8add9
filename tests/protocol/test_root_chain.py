"""Any history of root documents: a reader follows its owner and nobody else, forwards only."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from keys.ring import KeyRefused
from protocol.root import Key, RevokedKey, RootDocument, RootRefused, accept_root
from tests.protocol.organisation import DAY_S, NOW, key, root, signed_root

STEP_S = 60


class RootChain(RuleBasedStateMachine):
    """The owner publishes, a reader follows, a thief holds every key that is not a root key now."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0
        self.published: list[tuple[RootDocument, bytes]] = []
        self.names: dict[str, str] = {}
        self.reader: RootDocument | None = None
        self.revoked_seen: set[str] = set()

    @property
    def newest(self) -> RootDocument:
        return self.published[-1][0]

    @property
    def now(self) -> int:
        return NOW + STEP_S * len(self.published)

    def new(self, purpose: str) -> Key:
        self.made += 1
        name = f"{purpose} {self.made}"
        made = key(name, "root" if purpose == "root" else "sign")
        self.names[made.kid] = name
        return made

    def publish(self, document: RootDocument, signers: list[Key]) -> None:
        names = [self.names[one.kid] for one in signers]
        self.published.append((document, signed_root(document, *names)))

    @initialize(count=st.integers(1, 3))
    def begin(self, count: int) -> None:
        roots = tuple(self.new("root") for _ in range(count))
        document = root(roots=roots, keys=(self.new("sign"),), threshold=count)
        self.publish(document, list(roots))
        self.reader = accept_root(self.published[0][1], roots[0].kid, None, self.now)

    @rule(add=st.integers(0, 2), drop=st.integers(0, 2), revoke=st.booleans(), data=st.data())
    def publish_next(self, add: int, drop: int, revoke: bool, data: st.DataObject) -> None:
        old = self.newest
        kept = old.roots[drop:] if len(old.roots) > drop else old.roots
        roots = (*kept, *(self.new("root") for _ in range(add)))[:4]
        gone = tuple(one for one in (*old.keys, *old.roots) if one not in roots) if revoke else ()
        needed = [one for one in old.roots if one not in gone]
        if len(needed) < old.threshold:
            gone, needed = (), list(old.roots)
        notes = tuple(RevokedKey(kid=one.kid, at=self.now, reason="stolen") for one in gone)
        document = root(
            version=old.version + 1,
            issued=self.now,
            expires=self.now + DAY_S,
            roots=roots,
            threshold=data.draw(st.integers(1, len(roots))),
            keys=(self.new("sign"),),
            revocations=(*old.revocations, *notes),
        )
        self.publish(document, [*needed, *(one for one in roots if one not in needed)])

    @precondition(lambda self: self.reader.version < self.newest.version)
    @rule()
    def follow(self) -> None:
        assert self.reader is not None
        document, raw = self.published[self.reader.version]
        self.reader = accept_root(raw, None, self.reader, self.now)
        assert self.reader == document

    @rule(data=st.data())
    def replay_or_skip(self, data: st.DataObject) -> None:
        assert self.reader is not None
        document, raw = data.draw(st.sampled_from(self.published))
        if document.version in (self.reader.version, self.reader.version + 1):
            return
        with pytest.raises(RootRefused) as caught:
            accept_root(raw, None, self.reader, self.now)
        older = document.version < self.reader.version
        assert caught.value.reason == ("rollback" if older else "gap")

    @rule(version=st.integers(-1, 2), revive=st.booleans())
    def forge(self, version: int, revive: bool) -> None:
        assert self.reader is not None
        current = {one.kid for one in self.reader.roots}
        stolen = [name for kid, name in self.names.items() if kid not in current]
        fields = {
            "version": max(1, self.reader.version + version),
            "roots": (key("thief", "root"),),
            "threshold": 1,
            "revocations": () if revive else self.reader.revocations,
            "issued": self.now,
        }
        forged = self.reader.model_copy(update=fields)
        with pytest.raises(RootRefused):
            accept_root(signed_root(forged, "thief", *stolen[-14:]), None, self.reader, self.now)

    @invariant()
    def revocations_only_grow(self) -> None:
        if self.reader is None:
            return
        seen = set(self.reader.ring.revocations)
        assert self.revoked_seen <= seen
        self.revoked_seen = seen

    @invariant()
    def no_revoked_key_is_usable(self) -> None:
        if self.reader is None:
            return
        for kid in self.revoked_seen:
            for purpose in ("root", "sign"):
                with pytest.raises(KeyRefused):
                    self.reader.ring.usable(kid, purpose, self.now)


RootChain.TestCase.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
TestRootChain = RootChain.TestCase
