"""`Spaces`: what asking, answering and the card need to know of shared spaces.

The rule of this file: nothing is computed here, everything was measured at joining. It keeps the
promises of `node.federation.routing.Routes`; one space needs no map, and is always the best route.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import structlog

from adapters.confidence import TopScores
from adapters.corrected import Yardstick
from node.federation.routing import (
    Inbound,
    NoRoute,
    Plan,
    SameSpace,
    no_route,
    refused_space,
)
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.errors import CannotJoin, SpaceDamaged, SpaceExists, UnknownSpace
from node.spaces.join import Joining
from node.spaces.manifest import SpaceManifest
from node.spaces.state import JoinedSpace, SpaceFolder
from node.spaces.ways import direct_routes, inbound, plan, shared_routes
from protocol.card import Card, Route
from protocol.envelope import Envelope
from protocol.limits import MAX_CARD_ROUTES, MAX_CARD_SPACES

log = structlog.get_logger(__name__)


class Spaces:
    """All shared spaces that the node joined.

    `damaged` says of each that could not be loaded why; nothing is offered or asked through it.
    """

    def __init__(self, spaces: Path, adapters: Path) -> None:
        self._spaces, self._adapters = spaces, adapters
        self._joined: list[JoinedSpace] = []
        self._same = SameSpace()
        self._inbound: dict[tuple[str, str | None, str], Inbound] = {}
        self.damaged: list[str] = []

    @classmethod
    def open(cls, spaces: Path, adapters: Path) -> "Spaces":
        """Load every joined space from the folders of the data directory."""
        opened = cls(spaces, adapters)
        opened.reload()
        return opened

    def reload(self) -> None:
        """Read all spaces again."""
        joined, damaged = [], []
        for path in sorted(each for each in self._spaces.iterdir() if each.is_dir()):
            try:
                joined += SpaceFolder(self._spaces, self._adapters, path.name).load()
            except SpaceDamaged as error:
                log.error("shared space damaged", folder=path.name)
                damaged.append(str(error))
        self._joined, self.damaged, self._inbound = joined, damaged, {}

    def all(self) -> list[JoinedSpace]:
        """Every native space in every shared space."""
        return list(self._joined)

    def find(self, name_or_id: str) -> list[JoinedSpace]:
        """The joinings of one shared space. Raises UnknownSpace."""
        found = [each for each in self._joined if name_or_id in (each.manifest.name, each.hub)]
        if not found:
            raise UnknownSpace(
                f"no shared space {name_or_id} was joined",
                fix=(
                    "`interlingua space list` shows those that were, `interlingua space join` "
                    "joins one."
                ),
            )
        return found

    def folder(self, hub: str) -> SpaceFolder:
        """The files of a shared space."""
        return SpaceFolder(self._spaces, self._adapters, hub)

    def check_name(self, manifest: SpaceManifest) -> None:
        """Refuse a second space of the same name, and another manifest of one (SpaceExists).

        The latter would change who must sign without those who must; only what replaces the one
        before, as `node.spaces.replacing` has accepted it, may stand in its place.
        """
        for each in self._joined:
            before = each.manifest
            if before.name != manifest.name or before.digest == manifest.digest:
                continue
            if each.hub != manifest.envelope.space_id:
                raise SpaceExists(
                    f"another shared space is called {manifest.name}",
                    fix="Its author must rename one.",
                )
            if manifest.replaces != before.digest:
                raise SpaceExists(
                    f"{manifest.name} was joined by another manifest, which this one does not "
                    "say to replace",
                    fix="Its author must name it (`interlingua space create --replaces`).",
                )

    def check_again(self, manifest: SpaceManifest, own: AnchorEmbeddings) -> None:
        """Refuse to join again with other embeddings of the same model (CannotJoin).

        The routes on the card, and what partners have measured, rest on those before.
        """
        for each in self._joined:
            same = (each.hub, each.native) == (manifest.envelope.space_id, own.space_id)
            if same and each.joined.embeddings != own.digest:
                raise CannotJoin(
                    f"{manifest.name} was joined with other embeddings of this model",
                    fix=f"Restore them from a backup, or leave {manifest.name} with this encoder "
                    "first (`interlingua space leave`) and give the members the new file.",
                )

    def keep(
        self,
        manifest: SpaceManifest,
        raw_manifest: bytes,
        raw_positions: bytes,
        joining: Joining,
        members: Iterable[AnchorEmbeddings],
    ) -> None:
        """Keep what joining gave; routes change from the next question on."""
        self.check_name(manifest)
        self.folder(manifest.envelope.space_id).keep(
            raw_manifest,
            raw_positions,
            joining.joined,
            joining.adapters,
            joining.questions,
            members,
        )
        self.reload()

    def leave(self, joined: JoinedSpace) -> None:
        """Forget one native space's maps; from the next question on there is no such route.

        Manifest, consensus and members' embeddings stay, so that joining again needs nothing new.
        """
        needed = {
            each.adapter
            for other in self._joined
            if other is not joined
            for each in other.joined.maps
        }
        self.folder(joined.hub).forget(joined, needed)
        self.reload()

    def yardsticks(self, native: str) -> list[Yardstick]:
        """What the scores of documents in a native space are corrected by, for each shared one."""
        joined = (each.correction for each in self._joined if each.native == native)
        return [correction.yardstick for correction in joined if correction is not None]

    def accepted(self, into: str) -> tuple[str, ...]:
        """Space ids, other than `into`, in which questions to a collection in `into` may come."""
        joined = [each for each in self._joined if each.native == into]
        through = [each.hub for each in joined]
        return (*through, *(space for each in joined for space in each.direct))

    def inbound(self, space: str, route: str | None, into: str) -> Inbound:
        """How a question in `space` reaches a collection in `into`, by the map `route` if named.

        Raises Refused (authenticated): space-not-accepted, or route-unknown.
        """
        found = self._inbound.get((space, route, into))
        if found is None:  # what is refused is not kept, so there are as many as ways
            found = self._inbound[space, route, into] = self._found(space, route, into)
        return found

    def _found(self, space: str, route: str | None, into: str) -> Inbound:
        if space == into:
            return replace(self._same.inbound(space, route, into), usual=self._usual(into))
        joined = [each for each in self._joined if each.native == into and each.leads_from(space)]
        if not joined:
            raise refused_space(space, into)
        return inbound(joined, space, route)

    def _usual(self, native: str) -> TopScores | None:
        """Which best scores are usual for questions that come in a native space itself."""
        known = (each.joined.usual.get("native") for each in self._joined if each.native == native)
        return next((each for each in known if each is not None), None)

    def plan(self, own: Envelope, card: Card, into: str | None) -> Plan:
        """How a question in the space of `own` is best asked of a collection in `into`.

        In one space there is nothing to lose. Else the way that was measured best on held-out
        anchors, through a shared space or without one; where nothing was measured, the partner's
        first one.

        Raises NoRoute.
        """
        try:
            return self._same.plan(own, card, into)
        except NoRoute:
            pass
        found = plan(
            [each for each in self._joined if each.native == own.space_id], own, card, into
        )
        if found is None:
            raise no_route(
                f"{card.organisation} offers no route from a shared space that this node has joined"
                f" with {own.model}: join one with it (`interlingua space join`)",
                own,
                card,
                into,
            )
        return found

    def envelopes(self) -> dict[str, Envelope]:
        """The envelopes, by id, of shared spaces and of native ones in them, for the card.

        A native space is named before any collection lies in it: so partners know the routes of a
        new model while the former one still answers.
        """
        hubs = {each.hub: each.manifest.envelope for each in self._joined}
        natives = {each.native: each.joined.native for each in self._joined}
        return dict(list({**natives, **hubs}.items())[: MAX_CARD_SPACES // 2])

    def routes(self, into: str) -> list[Route]:
        """The routes into one native space, best first, for the card; direct ones last."""
        joined = [each for each in self._joined if each.native == into]
        through = [route for each in joined for route in shared_routes(each)]
        without = [route for each in joined for route in direct_routes(each)]
        return [*through, *without][:MAX_CARD_ROUTES]
