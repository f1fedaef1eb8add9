"""How good are the demo's three models, alone and across, on real documents?

    python -m benchmarks.demo_encoders [--json]

Known items: a document's summary line is the question, the document is what should be found among
its organisation's collection. `easy`: documents as they are stored, the summary still in them.
`hard`: documents with 200 or more characters besides their summary lose it, and only these are
asked for. `direct` maps from asker to responder, `hub` through the consensus of the three; each
kind of map is chosen by known items among held-out anchors, as the node does it. No figure here is
asserted in a test.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from dataclasses import dataclass

import numpy as np

from adapters.choose import candidates, choose
from adapters.consensus import consensus
from adapters.map import Chain
from adapters.metrics import estimate, known_item_ranks, known_item_recall, overlap, top_k
from adapters.quality import HeldOut, mapped
from adapters.split import split
from examples.three_organisations.anchors import anchors, public_texts, training_texts
from examples.three_organisations.model import Float32, Model
from examples.three_organisations.organisations import (
    ORGANISATIONS,
    Organisation,
    private_documents,
)
from examples.three_organisations.recipes import fit

LONG_ENOUGH = 200
"""Characters that a document must have besides its summary to be asked for without it."""
HUB = "hub"


@dataclass(frozen=True)
class Member:
    """One organisation's model and what it makes of the anchors: (n, d) float32 by view."""

    model: Model
    documents: Float32
    queries: Float32
    fit_s: float


@dataclass(frozen=True)
class Task:
    """Questions and the collection that they are put to; question i is about document gold[i]."""

    questions: list[str]
    gold: list[int]
    documents: list[str]


def tasks(organisation: Organisation) -> dict[str, Task]:
    """Both tasks on one organisation's collection."""
    private = private_documents(organisation)
    stored = [f"{d.name}\n{d.text}" for d in private]
    long = [place for place, d in enumerate(private) if len(d.rest) >= LONG_ENOUGH]
    without = list(stored)
    for place in long:
        without[place] = f"{private[place].name}\n{private[place].rest}"
    everything = list(range(len(private)))
    return {
        "easy": Task([d.summary for d in private], everything, stored),
        "hard": Task([private[place].summary for place in long], long, without),
    }


def members() -> tuple[dict[str, Member], list[str]]:
    """Fit all three models and encode the anchors; also returns the anchors' digests."""
    public = public_texts()
    training, public_anchors = training_texts(public), anchors(public)
    fitted = {}
    for organisation in ORGANISATIONS:
        begun = time.perf_counter()
        model = fit(organisation.recipe, training)
        seconds = time.perf_counter() - begun
        fitted[organisation.name] = Member(
            model=model,
            documents=model.encode([anchor.document for anchor in public_anchors]),
            queries=model.encode([anchor.query for anchor in public_anchors]),
            fit_s=seconds,
        )
    texts = (f"{anchor.document}\0{anchor.query}" for anchor in public_anchors)
    return fitted, [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def routes(fitted: dict[str, Member], digests: list[str]) -> dict[tuple[str, str, str], Chain]:
    """Chosen chains of maps by (asker, responder, way)."""
    parts = split(digests)
    both = {
        name: np.vstack([member.documents[parts.fit], member.queries[parts.fit]])
        for name, member in fitted.items()
    }
    shared = consensus(both).matrix
    inward = {name: candidates(both[name], shared, name, HUB) for name in fitted}
    outward = {name: candidates(shared, both[name], HUB, name) for name in fitted}
    chosen: dict[tuple[str, str, str], Chain] = {}
    for asker, mine in fitted.items():
        for responder, theirs in fitted.items():
            if asker == responder:
                continue
            held_out = HeldOut(
                source_questions=mine.queries[parts.validation],
                source_documents=mine.documents[parts.validation],
                target_questions=theirs.queries[parts.validation],
                target_documents=theirs.documents[parts.validation],
            )
            straight = candidates(both[asker], both[responder], asker, responder)
            ways: dict[str, list[Chain]] = {
                "direct": [(one,) for one in straight],
                "hub": [(i, o) for i in inward[asker] for o in outward[responder]],
            }
            for way, chains in ways.items():
                best = chains[choose(chains, held_out).index]
                chosen[asker, responder, way] = best
    return chosen


def figures(task: Task, asker: Model, responder: Model, chain: Chain) -> dict[str, float]:
    """hit@10 of the known item and overlap@10 with the responder's own ranking."""
    rows = responder.encode(task.documents)
    order = [*task.gold, *sorted(set(range(len(rows))) - set(task.gold))]
    rows = rows[order]  # document i answers question i, the others follow
    asked = mapped(asker.encode(task.questions), chain)
    native = responder.encode(task.questions)
    hits = known_item_recall(known_item_ranks(asked, rows))
    return {
        "hit_10": round(estimate(hits).value, 3),
        "overlap_10": round(float(overlap(top_k(asked, rows), top_k(native, rows)).mean()), 3),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the demo's models.")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    as_json = parser.parse_args().json
    fitted, digests = members()
    chains = routes(fitted, digests)
    rows = []
    for responder in ORGANISATIONS:
        for name, task in tasks(responder).items():
            for asker in ORGANISATIONS:
                ways = ("native",) if asker == responder else ("direct", "hub")
                for way in ways:
                    chain = chains.get((asker.name, responder.name, way), ())
                    mine, theirs = fitted[asker.name].model, fitted[responder.name].model
                    measured = figures(task, mine, theirs, chain)
                    kinds = "+".join(one.kind for one in chain) or "none"
                    head = {"responder": responder.short, "asker": asker.short, "task": name}
                    rows.append({**head, "route": way, "maps": kinds, **measured})
                    if not as_json:
                        print("  ".join(str(value).ljust(10) for value in rows[-1].values()))
    fits = {name: round(member.fit_s, 1) for name, member in fitted.items()}
    if as_json:
        print(json.dumps({"anchors": len(digests), "fit_s": fits, "routes": rows}))
    else:
        print(f"{len(digests)} anchors; seconds to fit: {fits}")


if __name__ == "__main__":
    main()
