"""Joining a shared space: fit the own maps, choose and measure them beside every known member.

The rule of this file: nobody else is refitted for good. The other members' maps are fitted here
again from their pinned embeddings, only to measure with; they are not kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from adapters.confidence import TopScores
from adapters.files import adapter_digest, encode_adapter
from adapters.map import Map
from node.operations.registry import Progress
from node.spaces.agreement import Agreement
from node.spaces.correction import FittedCorrection, fit_correction
from node.spaces.create import check_members, check_rows, recompute
from node.spaces.direct import fit_back
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.errors import CannotJoin, EmbeddingsRefused
from node.spaces.maps import Ground, Party, fit_inward, fit_outward
from node.spaces.pairs import (
    MeasuredPair,
    choose_scoring,
    measure_out,
    measure_pair,
    usual_in,
)
from node.spaces.scales import fit_member_scales
from node.spaces.size_advice import size_advice
from node.spaces.state import DirectMap, Joined, KeptMap, KnownMember, OutMap, Told
from node.spaces.usual_scores import usual_natively, usual_scores


@dataclass(frozen=True)
class Joining:
    """What joining gives: the state to keep, adapter files by digest, the file of questions.

    `parties` are the own models and maps, and then the others' as they were fitted to measure with.
    """

    joined: Joined
    adapters: dict[str, bytes]
    questions: bytes
    parties: tuple[Party, ...] = field(default=(), compare=False)

    def agreeing(self, agreement: Mapping[str, Agreement]) -> "Joining":
        """Return this with the agreement that was found in a collection, by asker's space."""
        joined = self.joined.model_copy(update={"agreement": dict(agreement)})
        return replace(self, joined=joined)


def join(
    ground: Ground,
    own: AnchorEmbeddings,
    others: Sequence[AnchorEmbeddings],
    at: int,
    progress: Progress,
) -> Joining:
    """Fit, choose and measure the maps of `own`, beside the `others` whose embeddings are known.

    With no others, the own questions are the only ones that the maps are chosen and measured by.

    Raises:
        CannotJoin: the manifest pins other embeddings of this member.
        EmbeddingsRefused: of other anchors, not those that are pinned, or degenerate.
        ManifestRefused: the consensus is not what the founders' embeddings give, or rests on
            anchors that are kept for measuring.
    """
    everyone = [own, *others]
    check_members(ground.anchors, everyone)
    _check_pinned(ground, own, others)
    check_rows(ground.manifest, ground.positions, ground.anchors)
    progress(0, None, "computing the consensus again")
    apart = recompute(ground.manifest, ground.positions, ground.anchors, everyone)
    parties = _fit_all(ground, everyone, progress)
    measured = _measure_all(ground, parties[0], parties[1:], progress)
    return _kept(ground, own, others, parties, measured, apart, at)


def _check_pinned(
    ground: Ground, own: AnchorEmbeddings, others: Sequence[AnchorEmbeddings]
) -> None:
    """Refuse embeddings of a founder that are not those of the manifest."""
    for each in (own, *others):
        founder = ground.manifest.founder(each.organisation, each.space_id)
        if founder is None or founder.embeddings == each.digest:
            continue
        if each is own:
            raise CannotJoin(
                f"the manifest of {ground.manifest.name} pins other embeddings of this "
                "organisation's model",
                fix="Restore them, or ask for a new shared space.",
            )
        raise EmbeddingsRefused(
            f"the embeddings of {each.organisation} are not those that the manifest of "
            f"{ground.manifest.name} pins",
            fix="Get the file that it was made from.",
        )


def _fit_all(
    ground: Ground, everyone: Sequence[AnchorEmbeddings], progress: Progress
) -> list[Party]:
    """Fit everyone's maps; the shares of the mean are chosen by the others' questions."""
    inward = []
    for number, each in enumerate(everyone):
        progress(number, 2 * len(everyone), "fitted maps")
        inward.append((each, fit_inward(ground, each)))
    parties = []
    for number, (member, maps_in) in enumerate(inward):
        progress(len(everyone) + number, 2 * len(everyone), "fitted maps")
        askers = [asker for asker in inward if asker[0] is not member] or inward
        parties.append(Party(member, maps_in, fit_outward(ground, member, askers)))
    return parties


def _measure_all(
    ground: Ground, own: Party, others: Sequence[Party], progress: Progress
) -> list[MeasuredPair]:
    """Measure the own maps with every other member, in both directions."""
    directions = [pair for other in others for pair in ((own, other), (other, own))]
    measured = []
    for number, (asker, responder) in enumerate(directions):
        progress(number, len(directions), "measured routes")
        measured.append(measure_pair(ground, asker, responder))
    return measured


def _kept(
    ground: Ground,
    own: AnchorEmbeddings,
    others: Sequence[AnchorEmbeddings],
    parties: Sequence[Party],
    measured: Sequence[MeasuredPair],
    apart: float | None,
    at: int,
) -> Joining:
    me, askers = parties[0], parties[1:] or parties[:1]
    pairs = [each.quality for each in measured]
    adapters: dict[str, bytes] = {}
    inward = [_keep(adapters, each) for each in me.inward.values()]
    outward = [
        OutMap(map=_keep(adapters, me.outward[quality.kind]), quality=quality)
        for quality in measure_out(ground, me, askers)
    ]
    founders = ground.manifest
    scoring = choose_scoring(ground, me, [me, *parties[1:]])
    usual = usual_in(me, pairs)
    correction = fit_correction(ground, me, parties, scoring, usual)
    scales = fit_member_scales(ground, parties, pairs, scoring, correction)
    joined = Joined(
        organisation=own.organisation,
        native=own.envelope,
        embeddings=own.digest,
        joined_at=at,
        inward=inward,
        outward=outward,
        scoring=scoring,
        usual_in=usual,
        pairs=pairs,
        members=[
            KnownMember(
                organisation=each.organisation,
                space=each.space_id,
                embeddings=each.digest,
                founder=founders.founder(each.organisation, each.space_id) is not None,
            )
            for each in others
        ],
        consensus_apart=apart,
        advice=size_advice(ground, [own, *others]),
        direct=_kept_direct(ground, parties, measured, adapters),
        correction=correction.kept,
        scales=scales,
        usual=_usual(ground, parties, scoring, correction),
    )
    return Joining(joined, adapters, correction.encoded, tuple(parties))


def _usual(
    ground: Ground, parties: Sequence[Party], scoring: str, correction: FittedCorrection
) -> dict[Told, TopScores]:
    """Measure which best scores are usual for the own documents, by what is told."""
    me, askers = parties[0], parties[1:] or parties[:1]
    inward = me.inward[scoring]
    found: dict[Told, TopScores | None] = {
        "native": usual_natively(ground, me.embeddings),
        "cosine": usual_scores(ground, me, askers, inward),
        "corrected": usual_scores(ground, me, askers, inward, correction.correct),
    }
    return {told: usual for told, usual in found.items() if usual is not None}


def _kept_direct(
    ground: Ground,
    parties: Sequence[Party],
    measured: Sequence[MeasuredPair],
    adapters: dict[str, bytes],
) -> list[DirectMap]:
    """Keep the direct maps that lead into the own space where they are the better way."""
    me, found = parties[0], dict[str, DirectMap]()
    askers = {(each.embeddings.organisation, each.embeddings.space_id): each for each in parties}
    for each in measured:
        pair, quality = each.quality, each.quality.by_direct
        mine = pair.responder_space == me.embeddings.space_id
        if not mine or quality is None or each.direct is None or pair.asker_space in found:
            continue
        asker = askers[pair.asker, pair.asker_space]
        found[pair.asker_space] = DirectMap(
            asker=pair.asker,
            asker_space=pair.asker_space,
            map=_keep(adapters, each.direct),
            back=_keep(adapters, fit_back(ground, asker, me)),
            figures={**quality.figures, "mrr_native": pair.card.natives["target"]},
            held_out=quality.held_out,
        )
    return list(found.values())


def _keep(adapters: dict[str, bytes], one: Map) -> KeptMap:
    raw = encode_adapter(one)
    digest = adapter_digest(raw)
    adapters[digest] = raw
    return KeptMap(kind=one.kind, adapter=digest)
