"""Asking, being refused, resolving a reference, and proving all of it from the logs.

The rule of this file: every figure that is reported comes out of a command's result.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from examples.three_organisations.member import Member
from examples.three_organisations.questions import PURPOSE, REFUSED_PURPOSE, Question
from examples.three_organisations.terminal import Terminal

REFUSED_EXIT_CODE = 3
RESULTS = 5


class NotAsExpected(Exception):
    """The federation did something else than it should; the message says what."""


def ask(member: Member, question: Question, terminal: Terminal) -> dict[str, Any]:
    """Ask one question of everybody and show the merged list and every silo's status."""
    answer = member.cli.run("query", question.text, "--purpose", PURPOSE, "-k", str(RESULTS))
    results = answer["results"][0]
    terminal.table(
        ("#", "organisation", "record", "bin", "route", "overlap@10"),
        [_row(result) for result in results],
    )
    for silo in answer["silos"]:
        if not silo["own"]:
            terminal.result(
                f"{silo['organisation']}: {silo['state']}, {silo['hits']} hits in"
                f" {silo['elapsed_ms']} ms, {silo['queries_left']} questions left today"
            )
    places = [r["place"] for r in results if r["organisation"] == question.holder]
    return {
        "asker": question.asker,
        "question": question.text,
        "holder": question.holder,
        "holder_place": min(places, default=None),
        "results": results,
        "silos": answer["silos"],
    }


def _row(result: Mapping[str, Any]) -> tuple[object, ...]:
    overlap = result["overlap"]
    return (
        result["place"],
        result["organisation"],
        result["external_id"] or f"{result['reference'][:24]}...",
        "ranks only" if result["bin"] is None else f"{result['bin']:.3f}",
        result["route"],
        "" if overlap is None else f"{overlap['value']:.2f}",
    )


def resolve(
    members: Mapping[str, Member], asked: Mapping[str, Any], terminal: Terminal
) -> dict[str, Any]:
    """Take the best foreign record of an answer to its owner, who alone can name it."""
    best = next(result for result in asked["results"] if not result["own"])
    owner = members[best["organisation"]]
    record = owner.cli.run("resolve", best["reference"], "--peer", asked["asker"])
    if record["external_id"] is None or record["collection"] != best["collection"]:
        raise NotAsExpected(f"{owner.organisation.name} cannot resolve {best['reference']}")
    terminal.result(f"{asked['question']!r} led {asked['asker']} to {record['external_id']}")
    return {"question": asked["question"], "organisation": owner.organisation.name, **record}


def be_refused(member: Member, owner: Member, terminal: Terminal) -> dict[str, Any]:
    """Ask for a purpose that no grant names."""
    collection = f"{owner.organisation.name}/{owner.organisation.collection}"
    answer = member.cli.run(
        *("query", "Which records could we sell?", "--purpose", REFUSED_PURPOSE),
        *("--collection", collection, "--no-own"),
        expect=(REFUSED_EXIT_CODE,),
    )
    silo = answer["silos"][0]
    if silo["state"] != "denied" or any(answer["results"]):
        raise NotAsExpected(f"{REFUSED_PURPOSE} should have been denied: {silo}")
    terminal.result(f"{silo['organisation']}: {silo['state']}, {silo['code']} ({silo['rule']})")
    return {"purpose": REFUSED_PURPOSE, "exit_code": REFUSED_EXIT_CODE, "silo": silo}


def verify_log(member: Member, terminal: Terminal) -> dict[str, Any]:
    """Derive the whole log again from its leaves and check every signature and receipt."""
    verified = member.cli.run("audit", "verify")
    if not verified["whole"] or verified["receipts_proved"] != verified["receipts_named"]:
        raise NotAsExpected(f"the log of {member.organisation.name} does not verify: {verified}")
    terminal.result(
        f"{verified['size']} leaves, {verified['requests']} signed questions,"
        f" {verified['receipts_proved']} partners' receipts: {verified['verdict']}"
    )
    return verified


def check_receipt(
    member: Member, owner: Member, asked: dict[str, Any], folder: Path, terminal: Terminal
) -> dict[str, Any]:
    """Check one receipt alone, as someone would who was handed only the file and the log's key."""
    name = owner.organisation.name
    answer = next(silo["answer"] for silo in asked["silos"] if silo["organisation"] == name)
    shown = member.cli.run("audit", "search", "--type", "received", "--peer", name)
    leaf = next(leaf for leaf in shown["leaves"] if leaf["fields"]["answer"] == answer)
    exported = member.cli.run("audit", "receipt", str(leaf["index"]))
    path = folder / "receipt.txt"
    path.write_text(exported["receipt"], encoding="utf-8")
    log_key = owner.cli.run("audit", "fsck")["verifier_key"]
    checked = member.cli.run("audit", "verify", "--receipt", str(path), "--log-key", log_key)
    terminal.result(f"leaf {checked['index']} of {checked['origin']}: {checked['type']}")
    return checked
