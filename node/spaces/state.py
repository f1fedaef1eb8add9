"""What a node keeps of the shared spaces it joined, one folder a space below `spaces/`.

    <space>/manifest.json           the signed manifest
    <space>/consensus.safetensors   the positions that it pins
    <space>/members/<digest>        embeddings of the members known here, for the next joining
    <space>/<native space>.json     one native space of this node in it (`Joined`)
    <space>/<native space>.questions.safetensors   what its scores are corrected by

Adapter files lie in `adapters/<digest>.safetensors`. The rule of this file: `Joined` is written
last, so that whatever it names is there.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from adapters.affine import AffineMap
from adapters.confidence import TopScores
from adapters.corrected import Correction
from adapters.errors import AdapterFileRefused
from adapters.files import decode_adapter
from adapters.map import Map
from adapters.metrics import Estimate
from adapters.scale import Scale
from node import durable_file
from node.spaces.agreement import Agreement
from node.spaces.correction import KeptCorrection, load_correction
from node.spaces.embedding_file import AnchorEmbeddings, decode_embeddings
from node.spaces.errors import SpaceDamaged
from node.spaces.manifest import SPACE_TYPE, Positions, SpaceManifest, accept_positions
from node.spaces.pairs import OutQuality, PairQuality
from node.spaces.size_advice import SizeAdvice
from protocol.document import DocumentRefused, read_document
from protocol.envelope import Envelope

Told = Literal["cosine", "corrected", "native"]
"""What scores are: in the shared space cosines or corrected, or cosines in the native one."""


class KeptMap(BaseModel):
    """An own map: its kind, and the digest of its file."""

    model_config = ConfigDict(frozen=True)

    kind: str
    adapter: str


class OutMap(BaseModel):
    """An own map out of the shared space, with what was measured."""

    model_config = ConfigDict(frozen=True)

    map: KeptMap
    quality: OutQuality


class DirectMap(BaseModel):
    """A map from another member's own space into the own one, and what was measured of it.

    `back` is the map by which own documents are scored in that member's space. `figures` and
    `held_out` as in `OutQuality`.
    """

    model_config = ConfigDict(frozen=True)

    asker: str
    asker_space: str
    map: KeptMap
    back: KeptMap
    figures: dict[str, Estimate]
    held_out: int


class KnownMember(BaseModel):
    """Another member whose embeddings were measured with; `founder` means that they are pinned."""

    model_config = ConfigDict(frozen=True)

    organisation: str
    space: str
    embeddings: str
    founder: bool


class Joined(BaseModel):
    """One native space of this node in a shared space.

    `outward` is best first. `scoring` is the kind of map in by which own documents are scored in
    the shared space, `usual_in` that by which partners are asked that were not measured.
    `direct` are the ways that leave the shared space out and are better than those through it.
    `agreement` is how often an asker's mapped questions find what the own model finds in the own
    collection, by asker's space. `usual` says which best scores are usual, by what is told. Without
    a `correction`, as joinings of older releases have none, they are cosines. `advice` says what
    more anchors would bring. `consensus_apart`: see `create.recompute`.
    `scales` say what the corrected scores that members tell count for, by their space; joinings of
    older releases have `shifts` instead, which are added to them.
    """

    model_config = ConfigDict(frozen=True)

    organisation: str
    native: Envelope
    embeddings: str
    joined_at: int
    inward: list[KeptMap]
    outward: list[OutMap]
    scoring: str
    usual_in: str
    pairs: list[PairQuality]
    members: list[KnownMember]
    consensus_apart: float | None
    advice: SizeAdvice | None = None
    direct: list[DirectMap] = []
    correction: KeptCorrection | None = None
    scales: dict[str, Scale] = {}
    shifts: dict[str, float] = {}
    usual: dict[Told, TopScores] = {}
    agreement: dict[str, Agreement] = {}

    def scale(self, space: str) -> Scale:
        """What corrected scores of the member with this space count for here."""
        return self.scales.get(space, Scale.moved_by(self.shifts.get(space, 0.0)))

    @property
    def maps(self) -> Iterator[KeptMap]:
        """Every own map that is kept."""
        yield from self.inward
        yield from (out.map for out in self.outward)
        for each in self.direct:
            yield from (each.map, each.back)

    def pair(self, asker_space: str, responder_space: str) -> PairQuality | None:
        """What was measured for one asker and one responder, or None."""
        for each in self.pairs:
            if (each.asker_space, each.responder_space) == (asker_space, responder_space):
                return each
        return None


@dataclass(frozen=True)
class DirectWay:
    """A loaded `DirectMap`: its record, the map, and the map back by which documents are scored."""

    kept: DirectMap
    map: Map
    back: AffineMap


@dataclass(frozen=True)
class JoinedSpace:
    """A `Joined` with its manifest and its maps, loaded and checked.

    `inward` and `outward` are by kind, `direct` by the asker's space.
    """

    manifest: SpaceManifest
    joined: Joined
    inward: Mapping[str, AffineMap]
    outward: Mapping[str, Map]
    direct: Mapping[str, DirectWay]
    correction: Correction | None

    @property
    def hub(self) -> str:
        """The shared space's id."""
        return self.manifest.envelope.space_id

    @property
    def native(self) -> str:
        """The native space's id."""
        return self.joined.native.space_id

    def leads_from(self, space: str) -> bool:
        """Whether questions in `space` reach the native space from it: the shared one or direct."""
        return space == self.hub or space in self.direct

    def digest_in(self, kind: str) -> str:
        """The file digest of the map in of that kind."""
        return next(each.adapter for each in self.joined.inward if each.kind == kind)


class SpaceFolder:
    """One shared space on disk."""

    def __init__(self, spaces: Path, adapters: Path, hub: str) -> None:
        self.path = spaces / hub.removeprefix("sha256:")
        self._adapters = adapters

    def keep(
        self,
        manifest: bytes,
        positions: bytes,
        joined: Joined,
        adapters: Mapping[str, bytes],
        questions: bytes,
        members: Iterable[AnchorEmbeddings],
    ) -> None:
        """Write everything durably, the state last."""
        for folder in (self.path, self.path / "members"):  # `parents=True` would not give the mode
            folder.mkdir(exist_ok=True, mode=0o700)
        durable_file.replace(self.path / "manifest.json", manifest)
        durable_file.replace(self.path / "consensus.safetensors", positions)
        for each in members:
            durable_file.replace(self.path / "members" / _plain(each.digest), each.encoded)
        for digest, raw in adapters.items():
            durable_file.replace(self._adapter_file(digest), raw)
        durable_file.replace(self._questions_file(joined.native.space_id), questions)
        state = self.path / f"{_plain(joined.native.space_id)}.json"
        durable_file.replace(state, joined.model_dump_json(indent=1).encode())

    def forget(self, joined: JoinedSpace, needed: Collection[str]) -> None:
        """Remove one native space, its state first; adapters named in `needed` stay."""
        durable_file.remove(self.path / f"{_plain(joined.native)}.json")
        durable_file.remove(self._questions_file(joined.native))
        for each in joined.joined.maps:
            if each.adapter not in needed:
                durable_file.remove(self._adapter_file(each.adapter))

    def positions(self, manifest: SpaceManifest) -> Positions:
        """The consensus. Raises ManifestRefused where it is not what the manifest pins."""
        return accept_positions((self.path / "consensus.safetensors").read_bytes(), manifest)

    def members(self) -> list[AnchorEmbeddings]:
        """Members' embeddings from earlier joinings, as `keep` wrote them."""
        return [
            decode_embeddings(path.read_bytes()) for path in sorted(self.path.glob("members/*"))
        ]

    def load(self) -> list[JoinedSpace]:
        """Read every native space of this node in the space. Raises SpaceDamaged."""
        try:
            raw = (self.path / "manifest.json").read_bytes()
            manifest, _ = read_document(raw, SPACE_TYPE, SpaceManifest, DocumentRefused)
            states = [
                Joined.model_validate_json(path.read_bytes())
                for path in sorted(self.path.glob("*.json"))
                if path.name != "manifest.json"
            ]
            return [self._loaded(manifest, each) for each in states]
        except (OSError, DocumentRefused, ValidationError, AdapterFileRefused) as error:
            why = type(error).__name__ if isinstance(error, ValidationError) else error
            raise SpaceDamaged(
                f"{self.path} cannot be used ({why})",
                fix="Restore it from a backup, or remove the folder and join again.",
            ) from None

    def _loaded(self, manifest: SpaceManifest, joined: Joined) -> JoinedSpace:
        hub, native = manifest.envelope.space_id, joined.native.space_id
        inward = {each.kind: self._affine(each, native, hub) for each in joined.inward}
        return JoinedSpace(
            manifest,
            joined,
            inward,
            {each.map.kind: self._map(each.map, hub, native) for each in joined.outward},
            {
                each.asker_space: DirectWay(
                    each,
                    self._map(each.map, each.asker_space, native),
                    self._affine(each.back, native, each.asker_space),
                )
                for each in joined.direct
            },
            self._correction(joined, inward),
        )

    def _correction(self, joined: Joined, inward: Mapping[str, AffineMap]) -> Correction | None:
        if joined.correction is None:
            return None
        adapter = next(each.adapter for each in joined.inward if each.kind == joined.scoring)
        raw = self._questions_file(joined.native.space_id).read_bytes()
        return load_correction(raw, joined.correction, inward[joined.scoring], adapter)

    def _affine(self, kept: KeptMap, source: str, target: str) -> AffineMap:
        """A map by which documents are scored."""
        found = self._map(kept, source, target)
        if not isinstance(found, AffineMap):
            raise AdapterFileRefused(f"documents cannot be scored by a map of kind {kept.kind}")
        return found

    def _map(self, kept: KeptMap, source: str, target: str) -> Map:
        raw = self._adapter_file(kept.adapter).read_bytes()
        return decode_adapter(raw, kept.adapter, source, target).map

    def _adapter_file(self, digest: str) -> Path:
        return self._adapters / f"{_plain(digest)}.safetensors"

    def _questions_file(self, native: str) -> Path:
        return self.path / f"{_plain(native)}.questions.safetensors"


def _plain(digest: str) -> str:
    return digest.removeprefix("sha256:")
