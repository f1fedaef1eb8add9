"""`interlingua evaluate`: what a federation would find, judged on a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from node.cli.invocation import VerbGroup, current
from node.cli.output import finish, line, note, table
from node.cli.progress import shown_progress
from node.cli.run import run_operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from node.evaluate.data_set import DataSet
    from node.evaluate.encoders import Spec
    from node.evaluate.evaluation import Plan
    from node.evaluate.member import Member
    from node.evaluate.report import Evaluation
    from node.operations.encoders import EncoderInfo
    from node.operations.registry import Progress
    from node.spaces.anchor_set import AnchorSet

app = VerbGroup()


@app.command()
def evaluate(
    data_set: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="A data set in BEIR's layout: corpus.jsonl, queries.jsonl, qrels/.",
            show_default=False,
        ),
    ],
    anchors: Annotated[
        Path,
        typer.Option(
            help="Public texts to fit on: JSONL, one text a line, or a folder in BEIR's layout.",
            show_default=False,
            exists=True,
        ),
    ],
    encoder: Annotated[
        list[str],
        typer.Option(
            help="A node's encoder, sentence-transformers:MODEL or openai:URL#MODEL; repeat.",
            show_default=False,
        ),
    ],
    silos: Annotated[
        int | None,
        typer.Option(help="Number of silos; default: one for each encoder.", min=2, max=100),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="random, topic or field:NAME; repeat for more. Default: random and topic.",
            show_default=False,
        ),
    ] = None,
    qrels: Annotated[str, typer.Option(help="Which file of qrels/ judges.")] = "test",
    k: Annotated[
        int, typer.Option("-k", "--k", help="Candidates from each silo.", min=1, max=1000)
    ] = 10,
    seed: Annotated[int, typer.Option(help="Of splits and ties.", min=0)] = 0,
    cache: Annotated[
        Path | None, typer.Option(help="Folder in which vectors are kept.", file_okay=False)
    ] = None,
    whole: Annotated[
        bool, typer.Option("--all", help="Print every route and every way to merge for each asker.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for evaluation.json and evaluation.md.", file_okay=False),
    ] = None,
) -> None:
    """Judge routes and merged lists on a data set that is spread over silos; needs no node."""
    import asyncio

    from node.evaluate.data_set import read
    from node.evaluate.evaluation import Plan
    from node.evaluate.evaluation import evaluate as judge

    judged = read(data_set, qrels)
    public = _anchors(anchors)
    plan = Plan(tuple(split or ("random", "topic")), silos or len(encoder), k, seed)
    _check(plan, encoder, judged)
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    named = _named(encoder)
    with shown_progress(current()) as progress:
        members = asyncio.run(_members(named, judged, public, cache, progress))
        found = judge(data_set.resolve().name, judged, public, members, plan, progress)
    if out is not None:
        _write(found, out)
    finish(
        found, lambda: _people(found, out, whole=whole), next_step="interlingua space create --help"
    )


def _check(plan: Plan, encoders: Sequence[str], data: DataSet) -> None:
    """Refuse before anything is encoded, which takes longest, what can be refused by then."""
    from node.evaluate.errors import CannotSplit, SpecRefused
    from node.evaluate.splits import require_known

    for how in plan.splits:
        require_known(how, data.metadata)
    if len(encoders) < 2:
        raise SpecRefused(
            "an evaluation compares at least two models",
            fix="Give --encoder twice or more often.",
        )
    twice = sorted({each for each in encoders if encoders.count(each) > 1})
    if twice:
        raise SpecRefused(
            f"--encoder {twice[0]} is given more than once",
            fix="Give each model once. With --silos N, silo i has the i-th model and models are "
            "taken in turn.",
        )
    if plan.silos < len(encoders):
        raise CannotSplit(
            f"{plan.silos} silos cannot have {len(encoders)} models",
            fix="Give --silos at least the number of encoders.",
        )


def _anchors(path: Path) -> AnchorSet:
    from node.spaces.anchor_files import read_anchors

    return read_anchors(path)


def _named(texts: Sequence[str]) -> list[Spec | EncoderInfo]:
    """Read every specification; a plain name is asked of the node, running or not."""
    from node.evaluate.encoders import parse_spec
    from node.operations.encoders import EncoderInfo, EncoderName

    return [
        parse_spec(text) or run_operation("encoder.show", EncoderName(name=text), EncoderInfo)
        for text in texts
    ]


async def _members(
    named: Sequence[Spec | EncoderInfo],
    data: DataSet,
    anchors: AnchorSet,
    cache: Path | None,
    progress: Progress,
) -> list[Member]:
    """Encode with one model after the other, so that only one is in memory."""
    from node.clock import system_clock
    from node.encoders.registry import open_encoder
    from node.evaluate.encoders import Spec, distinct_names, encoded_member, opened

    encoders = [
        await opened(each, system_clock())
        if isinstance(each, Spec)
        else open_encoder(each.name, each.kind, each.settings, each.envelope)
        for each in named
    ]
    members = []
    for name, each in zip(distinct_names(encoders), encoders, strict=True):
        members.append(await encoded_member(name, each, data, anchors, cache, progress))
        await each.close()
    return members


def _write(found: Evaluation, out: Path) -> None:
    from node import durable_file
    from node.evaluate.tables import as_markdown

    out.mkdir(parents=True, exist_ok=True)
    durable_file.replace(out / "evaluation.json", found.model_dump_json(indent=1).encode())
    durable_file.replace(out / "evaluation.md", as_markdown(found).encode())


def _people(found: Evaluation, out: Path | None, *, whole: bool) -> None:
    from node.evaluate.tables import heading, tables

    for sentence in heading(found):
        line(sentence)
    for each in tables(found, whole=whole):
        line()
        line(each.title)
        table(each.columns, each.rows)
    note("* chosen by anchors alone, as a node does; + chosen among hub or direct routes")
    if not whole:
        note("every route, and every way to merge for each asker: --all, or --out and --json")
    if out is not None:
        note(f"wrote {out / 'evaluation.json'} and {out / 'evaluation.md'}")
