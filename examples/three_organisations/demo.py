"""Three organisations on this machine ask each other, from nothing to verified logs.

    python -m examples.three_organisations [--keep] [--json] [--models]

The rule of this file: it is the order of the steps and nothing else. Each step is an
administrator's or an asker's, is shown as the command that it is, and ends the demo where it fails.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from examples.three_organisations import conversation, transformers
from examples.three_organisations.commands import CommandFailed
from examples.three_organisations.conversation import NotAsExpected
from examples.three_organisations.exchange import NeverCame
from examples.three_organisations.federation import Federation
from examples.three_organisations.keeping import keep
from examples.three_organisations.member import Member
from examples.three_organisations.processes import ProcessDied, processes
from examples.three_organisations.questions import QUESTIONS
from examples.three_organisations.terminal import Terminal
from examples.three_organisations.together import each
from examples.three_organisations.workplace import InUse, workplace

FAILURES = (transformers.ModelsMissing, CommandFailed, NotAsExpected, NeverCame, ProcessDied, InUse)
SLOW_MODELS_ANCHORS, SLOW_MODELS_DOCUMENTS = 1500, 400
"""A transformer encodes some fifty texts a second on two cores."""
ASKER, REFUSER = "network.example", "arrays.example"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; returns its exit code."""
    chosen = _parser().parse_args(arguments)
    if chosen.models:
        chosen.anchors = chosen.anchors or SLOW_MODELS_ANCHORS
        chosen.documents = chosen.documents or SLOW_MODELS_DOCUMENTS
    terminal = Terminal(sys.stderr if chosen.json else sys.stdout)
    try:
        with workplace(chosen.folder.resolve()) as folder, processes() as running:
            federation = Federation(folder, running, terminal, chosen.record)
            try:
                members = run(federation, chosen)
                if chosen.json:
                    print(json.dumps(federation.report), flush=True)
                if chosen.keep:
                    keep(members, federation.report["nodes"], terminal)
            finally:
                federation.close()
    except FAILURES as failed:
        print(f"\nThe demo stopped: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def run(federation: Federation, chosen: argparse.Namespace) -> dict[str, Member]:
    """Go through all steps; every figure that was measured goes into the report."""
    report = federation.report
    members = _set_up(federation, chosen)
    report["set_up_seconds"] = round(federation.terminal.elapsed_s, 1)
    _converse(federation, members)
    report["steps"] = federation.terminal.steps
    report["seconds"] = round(federation.terminal.elapsed_s, 1)
    federation.terminal.say(f"\nAll of it took {report['seconds']} s.")
    return members


def _set_up(federation: Federation, chosen: argparse.Namespace) -> dict[str, Member]:
    report = federation.report
    say = federation.terminal
    say.step("Texts: public anchors, and each organisation's private documents, begun")
    federation.start_texts(chosen.anchors, chosen.documents)
    members = federation.members()
    say.step("Nodes: keys, root document, configuration; then each serves as its own process")
    each(members, Member.create, say)
    report["nodes"] = each(members, federation.serve, say)
    say.step("Pairing: invitation, request, and six words that administrators read to each other")
    each(members, Member.pair, say)
    report["texts"] = federation.texts()
    say.result(f"texts are written: {json.dumps(report['texts'])}")
    if chosen.models:
        say.step("Models: a transformer, a static model distilled from it, and a cut of it")
        report["encoders"] = transformers.encoders(federation.folder / "models")
    else:
        say.step(
            "Models: one for each organisation, fitted on public text and served like any other"
        )
        federation.start_models()
    encoders = report.get("encoders") or federation.encoders()
    report["encoders"] = encoders
    say.step("Collections: private documents, encoded by the own model, indexed at home")
    report["ingested"] = each(members, lambda m: m.load(encoders[m.organisation.name]), say)
    say.step("Anchors: public texts, encoded by each model; these embeddings are handed over")
    each(members, Member.embed_anchors, say)
    say.step(
        "Shared space: made by one, signed by two, joined by all, who fit and measure adapters"
    )
    report["spaces"] = each(members, Member.share_space, say)
    each(members, Member.refresh, say)
    say.step("Grants: what each permits the others")
    each(members, Member.grant, say)
    return members


def _converse(federation: Federation, members: dict[str, Member]) -> None:
    say, report = federation.terminal, federation.report
    say.step("What is open to me? Every organisation asks its partners")
    report["offers"] = each(members, lambda member: _partners(member, say), say)
    say.step("Questions: in the asker's words and model, answered by everybody's")
    asked = report["questions"] = []
    for question in QUESTIONS:
        say.say("")
        asked.append(conversation.ask(members[question.asker], question, say))
    say.step("A reference means nothing to its holder; its owner can name the record")
    report["resolved"] = [conversation.resolve(members, one, say) for one in asked]
    say.step("A purpose that no grant names is refused")
    report["refused"] = conversation.be_refused(members[ASKER], members[REFUSER], say)
    say.step("Proof: every log is derived again from its leaves, every receipt checked")
    report["logs"] = {
        name: conversation.verify_log(member, say) for name, member in members.items()
    }
    report["receipt"] = conversation.check_receipt(
        members[ASKER], members[REFUSER], asked[0], federation.folder, say
    )


def _partners(member: Member, terminal: Terminal) -> list[dict[str, Any]]:
    partners: list[dict[str, Any]] = member.cli.run("partners")["partners"]
    terminal.table(
        ("partner", "collection", "title", "purposes", "shows", "left today"),
        [
            (
                partner["organisation"],
                offer["collection"],
                offer["title"],
                ", ".join(offer["purposes"]),
                offer["granularity"],
                offer["queries_left"],
            )
            for partner in partners
            for offer in partner["offers"]
        ],
    )
    return partners


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.three_organisations",
        description="Three organisations on this machine ask each other.",
    )
    parser.add_argument("--keep", action="store_true", help="leave the nodes serving, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    parser.add_argument("--models", action="store_true", help="use real transformer models")
    parser.add_argument("--anchors", type=int, help="at most this many public anchors")
    parser.add_argument("--documents", type=int, help="at most this many documents each")
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="where to work")
    parser.add_argument("--record", type=Path, help="keep all bytes between nodes in this folder")
    return parser
