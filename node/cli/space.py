"""`interlingua space`: shared spaces, through which different models are asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.consensus_method import USUAL_METHOD, Method
from node.cli.invocation import VerbGroup
from node.cli.output import finish, line, note, table
from node.cli.run import run_operation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from node.operations.space_making import SignedSpace
    from node.spaces.report import FigureRow, RouteRow, SizeShown, SpaceInfo

app = VerbGroup(help="Shared spaces: through them, different models are asked.")

MemberOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--member",
        help="A member's exported anchor embeddings, or a folder of several; repeat for more.",
        show_default=False,
        exists=True,
    ),
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Name of the space.", show_default=False)],
    anchors: Annotated[
        str, typer.Option(help="Anchor set that all members embedded.", show_default=False)
    ],
    member: MemberOption = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(help="Own encoder that takes part; repeat for more.", show_default=False),
    ] = None,
    threshold: Annotated[
        int, typer.Option(help="How many of the author and the founders must sign.")
    ] = 1,
    consensus: Annotated[
        Method, typer.Option(help="How the space is made of the models: whitened, or procrustes.")
    ] = USUAL_METHOD,
    out: Annotated[
        Path, typer.Option(help="Directory for the two files for the members.")
    ] = Path(),
    replaces: Annotated[
        str | None,
        typer.Option(
            help="Name or id of a joined space whose place it takes: as many of that one's author"
            " and founders must sign as it needed.",
            show_default=False,
        ),
    ] = None,
    join_too: Annotated[
        bool,
        typer.Option(
            "--join", help="Join it with the own encoders at once: fit, measure, publish routes."
        ),
    ] = False,
) -> None:
    """Make a shared space of several models, and sign its manifest."""
    from node.operations.space_making import CreatedSpace, CreateSpace

    request = CreateSpace(
        name=name,
        anchors=anchors,
        members=tuple(path.absolute() for path in member or ()),
        encoders=tuple(encoder or ()),
        threshold=threshold,
        consensus=consensus,
        out=out.absolute(),
        join=join_too,
        replaces=replaces,
    )
    result = run_operation("space.create", request, CreatedSpace)

    def people() -> None:
        line(
            f"{result.name}: {result.dimension} dimensions over {result.fitted} anchors, method"
            f" {result.method}"
        )
        line(f"space {result.space}")
        if result.replaces is not None:
            line(f"replaces {result.replaces}, whose members must sign as many as that needed")
        table(
            ("FOUNDER", "DIMENSIONS", "MOVES IT BY", "SPACE"),
            [
                (
                    each.organisation,
                    each.dimension,
                    "-" if each.shift is None else f"{each.shift:.4f}",
                    each.space,
                )
                for each in result.founders
            ],
        )
        _advice(result.advice)
        line(f"wrote {result.manifest} and {result.consensus}")
        for each in result.joined:
            _people(each)

    finish(
        result,
        people,
        next_step="send both files, anchor texts and all members' embeddings in one folder; each"
        " member runs `interlingua space join FOLDER --encoder ENCODER`",
    )


@app.command()
def join(
    manifest: Annotated[
        Path,
        typer.Argument(
            help="The signed manifest, NAME.space.json, or the folder that the members share: then"
            " anchor texts and members' embeddings are taken from there.",
            show_default=False,
            exists=True,
        ),
    ],
    encoder: Annotated[str, typer.Option(help="Own encoder that joins.", show_default=False)],
    member: MemberOption = None,
    consensus: Annotated[
        Path | None,
        typer.Option(
            help="The consensus file; default: beside the manifest.",
            show_default=False,
            exists=True,
        ),
    ] = None,
    sample: Annotated[
        list[Path] | None,
        typer.Option(
            help="A member's exported embeddings of public sample questions of the collections'"
            " field (an anchor set too), to measure agreement by; repeat for more.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Join a shared space: fit the own maps, measure the routes, offer them on the card."""
    from node.operations.space_joining import JoinSpace
    from node.spaces.report import SpaceInfo

    request = JoinSpace(
        manifest=manifest.absolute(),
        encoder=encoder,
        members=tuple(path.absolute() for path in member or ()),
        consensus=None if consensus is None else consensus.absolute(),
        samples=tuple(path.absolute() for path in sample or ()),
    )
    result = run_operation("space.join", request, SpaceInfo)
    finish(
        result,
        lambda: _people(result),
        next_step="interlingua query TEXT --purpose PURPOSE (partners see the new routes on the"
        " card)",
    )


@app.command()
def sign(
    manifest: Annotated[
        Path,
        typer.Argument(help="The manifest, NAME.space.json.", show_default=False, exists=True),
    ],
    member: MemberOption = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(help="Own encoder among the founders; repeat for more.", show_default=False),
    ] = None,
) -> None:
    """Compute a space again from all founders' embeddings, and add a signature to its manifest."""
    from node.operations.space_making import SignedSpace, SignSpace

    request = SignSpace(
        manifest=manifest.absolute(),
        members=tuple(path.absolute() for path in member or ()),
        encoders=tuple(encoder or ()),
    )
    result = run_operation("space.sign", request, SignedSpace)
    finish(
        result,
        lambda: line(
            f"{result.name}: computed again ({result.apart:.6f} apart), {result.signatures}"
            f" signatures of {result.threshold} needed{_former(result)}"
        ),
        next_step=f"send {manifest.name} on; each member runs"
        f" `interlingua space join {manifest.name} --encoder ENCODER --member FILE ...`",
    )


@app.command("list")
def list_spaces() -> None:
    """List the shared spaces that this node has joined."""
    from node.operations.registry import NoRequest
    from node.operations.spaces import SpaceList

    result = run_operation("space.list", NoRequest(), SpaceList)

    def people() -> None:
        table(
            ("NAME", "MODEL", "MEMBERS", "BEST MAP OUT", "SPACE"),
            [
                (each.name, each.model, ", ".join(each.members), each.out[0].kind, each.space)
                for each in result.spaces
            ],
        )
        for damaged in result.damaged:
            note(damaged)

    finish(result, people, next_step="interlingua space show NAME")


@app.command()
def show(
    space: Annotated[str, typer.Argument(help="Name or id of the space.", show_default=False)],
) -> None:
    """Show one shared space: members, routes, and what was measured."""
    from node.operations.spaces import SpaceList, SpaceName

    result = run_operation("space.show", SpaceName(space=space), SpaceList)

    def people() -> None:
        for each in result.spaces:
            _people(each)

    finish(result, people, next_step="interlingua anchors list")


@app.command()
def leave(
    space: Annotated[str, typer.Argument(help="Name or id of the space.", show_default=False)],
    encoder: Annotated[
        str | None,
        typer.Option(help="Only the maps of this encoder.", show_default=False),
    ] = None,
) -> None:
    """Leave a shared space: forget the own maps and take the routes from the card."""
    from node.operations.space_joining import LeaveSpace, LeftSpace

    result = run_operation("space.leave", LeaveSpace(space=space, encoder=encoder), LeftSpace)

    def people() -> None:
        line(f"left {result.name}; partners learn it with the next card")
        if result.collections:
            note(
                f"no route leads from {result.name} to {', '.join(result.collections)} any more;"
                " partners with another model cannot ask there"
            )

    finish(result, people, next_step="interlingua space list")


def _former(signed: SignedSpace) -> str:
    """How many of the members of the space whose place it takes must sign."""
    if signed.replaces is None:
        return ""
    return f"; it replaces {signed.replaces}, of whose members {signed.former_threshold} must sign"


def _people(info: SpaceInfo) -> None:
    """The space, then one row for each measured route; figures are means with 95% intervals."""
    line(f"{info.name}: joined with {info.model} ({'founder' if info.founder else 'enrolled'})")
    line(f"members {', '.join(info.members)}; made by {info.author}, method {info.method}")
    if info.replaces is not None:
        line(f"replaces the space of manifest {info.replaces}, with the signatures that it needed")
    if not info.consensus_checked:
        note("the consensus was not computed again: not all founders' embeddings are here")
    _advice(info.advice)
    if not info.routes:
        note("no route was measured: give the other members' embeddings with --member")
        return
    table(
        ("ASKER", "RESPONDER", "IN>OUT", "N", "MRR", "NDCG@10", "RECALL@10", "OVERLAP@10"),
        [
            (
                row.asker,
                row.responder,
                row.route,
                row.questions,
                _interval(row.mrr),
                _short(row.ndcg_10),
                _short(row.recall_10),
                _interval(row.overlap_10),
            )
            for row in info.routes
        ],
    )
    line(
        "Measured on held-out anchors. MRR: where the right text is found. Overlap: agreement with"
        " the responder's model, not quality."
    )
    _beside(info.routes)
    for asker, agreed in info.agreement.items():
        how = "measured on" if agreed.measured else "an estimate from"
        which = "shared sample questions" if agreed.measured else "anchors, for lack of samples"
        line(
            f"Questions of {asker} find {_interval(agreed.figure)} of what the own model finds in"
            f" the own collection: {how} {agreed.questions} {which}."
        )


def _beside(routes: Iterable[RouteRow]) -> None:
    """What each route's MRR is to be compared with."""
    line()
    table(
        (
            "ASKER",
            "RESPONDER",
            "MRR",
            "DIRECT",
            "NOTHING",
            "MEAN",
            "ASKER'S OWN",
            "RESPONDER'S OWN",
        ),
        [
            (
                row.asker,
                row.responder,
                _short(row.mrr),
                _direct(row),
                _short(row.identity),
                _short(row.mean),
                _short(row.asker_native),
                _short(row.responder_native),
            )
            for row in routes
        ],
    )
    line("All are MRR. Nothing: vectors passed through without a map. Own: a model by itself.")
    line(
        "Direct: without the shared space between them, and in brackets its lead on the anchors by"
        " which the way is chosen; * where it is taken."
    )


def _advice(advice: SizeShown | None) -> None:
    """What was reached with fewer anchors, and what twice as many should bring."""
    if advice is None:
        note("there are too few anchors, or members, to tell what more anchors would bring")
        return
    reached = ", ".join(f"{row.value:.3f} with {n}" for n, row in advice.mrr.items())
    gain = advice.doubled
    line(f"MRR from {advice.asker} to {advice.responder} by anchors: {reached}")
    line(
        f"Twice as many would bring about {gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}),"
        " as the curve goes on."
    )


def _interval(figure: FigureRow) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _direct(row: RouteRow) -> str:
    if row.direct_mrr is None or row.direct_lead is None:
        return "-"
    taken = "*" if row.by == "direct" else ""
    return f"{taken}{row.direct_mrr.value:.3f} ({row.direct_lead.value:+.3f})"


def _short(figure: FigureRow) -> str:
    return f"{figure.value:.3f}"
