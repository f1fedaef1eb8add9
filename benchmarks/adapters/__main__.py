"""Run it: `python -m benchmarks.adapters --help`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.adapters.data_set import DataSet, read
from benchmarks.adapters.models import Model
from benchmarks.adapters.routes import Member, Row, measured_routes, parties_of
from benchmarks.adapters.speed import Applied, Fitted, applied, fitted
from node.spaces.anchor_set import Anchor, AnchorSet, make_anchor_set, parse_jsonl
from node.spaces.create import create_space
from node.spaces.embedding_file import AnchorEmbeddings
from node.spaces.maps import Ground
from protocol.envelope import Envelope, Prompts


def main() -> None:
    """Measure what the arguments ask for; table and, with --json, one JSON object."""
    chosen = _arguments().parse_args()
    report: dict[str, object] = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "threads": os.environ.get("OMP_NUM_THREADS", "default"),
        "processors": os.cpu_count(),
    }
    if not chosen.no_speed:
        speed, fits = applied(), fitted(chosen.pairs)
        report |= {"apply": asdict(speed), "fit": asdict(fits)}
        _show_speed(speed, fits)
    if chosen.data:
        anchors, rows = _routes(chosen)
        report |= {
            "anchors": len(anchors.anchors),
            "models": chosen.encoder,
            "routes": [asdict(row) for row in rows],
        }
        _show_routes(rows)
    if chosen.json:
        print(json.dumps(report))


def _routes(chosen: argparse.Namespace) -> tuple[AnchorSet, list[Row]]:
    data = read(chosen.data)
    anchors = _anchors(chosen.anchors, chosen.most_anchors)
    cache = chosen.cache or Path(tempfile.mkdtemp(prefix="interlingua-benchmark-"))
    cache.mkdir(parents=True, exist_ok=True)
    members = [_member(spec, anchors, data, cache) for spec in chosen.encoder]
    embeddings = [each.anchors for each in members]
    manifest, positions = create_space("benchmark", "bench.example", anchors, embeddings, 1, 0)
    ground = Ground(manifest, anchors, positions)
    return anchors, measured_routes(ground, parties_of(members, ground), members, data)


def _member(spec: str, anchors: AnchorSet, data: DataSet, cache: Path) -> Member:
    print(f"encoding with {spec}", file=sys.stderr)
    model = Model(spec, anchors.texts("document"), cache)
    document = model.encode(anchors.texts("document"))
    envelope = Envelope(
        provider="benchmark",
        model=model.name[:256],
        revision="1",
        dimension=document.shape[1],
        pooling="none",
        normalisation="l2",
        similarity="cosine",
        prompts=Prompts.of(),
    )
    query = model.encode(anchors.texts("query"))
    own = AnchorEmbeddings("bench.example", envelope, anchors.set_id, document, query)
    questions = model.encode(list(data.questions.values()))
    return Member(model.name, own, model.encode(list(data.documents.values())), questions)


def _anchors(path: Path | None, most: int | None) -> AnchorSet:
    if path is not None:
        with path.open("rb") as lines:
            anchors = parse_jsonl(lines)
    else:
        from examples.three_organisations.anchors import anchors as demo_anchors
        from examples.three_organisations.anchors import public_texts

        made = demo_anchors(public_texts())
        anchors = make_anchor_set(Anchor(each.document, each.query) for each in made)
    # the canonical order is that of digests, so the first ones are a random sample
    return anchors if most is None else make_anchor_set(anchors.anchors[:most])


def _show_speed(speed: Applied, fits: Fitted) -> None:
    print(
        f"one {speed.width} -> {speed.width} question: {speed.apply_us:.1f} us, bare product"
        f" {speed.product_us:.1f} us, so {speed.over_us:.1f} us over it"
        f" (medians {speed.apply_median_us:.1f} and {speed.product_median_us:.1f})"
    )
    print(
        f"{fits.pairs} pairs of {fits.width}: {fits.candidates} maps fitted in {fits.fit_s:.1f} s,"
        f" chosen by 1000 known items in {fits.choose_s:.1f} s"
    )


def _show_routes(rows: Sequence[Row]) -> None:
    """Natives first, then every route; * marks the chosen hub and direct routes."""
    print("\nasker -> responder | route | nDCG@10 (95%) | overlap@10 | asker's own, responder's own"
          " | chosen against best direct, best hub | overlap promised by anchors")  # fmt: skip
    for row in rows:
        against = " | "
        if row.against_best_direct is not None and row.against_best_hub is not None:
            against = (
                f" {_signed(row.against_best_direct.value)} ({_signed(row.against_best_direct.low)}"
                f" to {_signed(row.against_best_direct.high)}),"
                f" {_signed(row.against_best_hub.value)} | "
            )
        promised = "" if row.agreement is None else f"{row.agreement:.3f}"
        print(
            f"{row.asker} -> {row.responder} | {row.route} | {row.ndcg.value:.3f}"
            f" ({row.ndcg.low:.3f} to {row.ndcg.high:.3f}) | {row.overlap.value:.3f} |"
            f" {row.asker_native:.3f}, {row.responder_native:.3f} |{against}{promised}"
        )


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapters", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of a data set in BEIR's layout")
    parser.add_argument(
        "--encoder",
        action="append",
        help="sklearn-word:384, sklearn-char:256, sentence-transformers:NAME[@LAYERS] or"
        " model2vec:NAME; give two or more",
    )
    parser.add_argument("--anchors", type=Path, help="JSONL; default: the demo's public texts")
    parser.add_argument("--most-anchors", type=int, help="use at most so many")
    parser.add_argument("--cache", type=Path, help="folder in which vectors are kept")
    parser.add_argument("--pairs", type=int, default=20_000, help="pairs for the timed fit")
    parser.add_argument("--no-speed", action="store_true", help="routes only")
    parser.add_argument("--json", action="store_true", help="one JSON object after the tables")
    return parser


if __name__ == "__main__":
    main()
