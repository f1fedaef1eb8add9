"""What is left of meaning between real models: `python -m benchmarks.meaning --help`.

Every ordered pair of models at several numbers of anchors, then merged lists on random and topical
splits, by the node's own code. Writes meaning.json and, between its marks, the tables of README.md
into a folder, and prints the tables.
"""

from __future__ import annotations

import argparse
import platform
import sys
from pathlib import Path

import numpy as np

from benchmarks.meaning.figures import Size, Values, kept_with_fewer, size_figures
from benchmarks.meaning.members import fewer, members
from benchmarks.meaning.merges import Splits, merge_figures, selections_of
from benchmarks.meaning.report import Meaning, as_markdown
from benchmarks.pages import write_into
from node.evaluate.data_set import read
from node.evaluate.evaluation import fit
from node.evaluate.routes import Judge
from node.spaces.anchor_files import read_anchors


def main() -> None:
    """Run what the arguments ask for."""
    chosen = _arguments().parse_args()
    data, anchors = read(chosen.data), read_anchors(chosen.anchors)
    everything = members(chosen.encoder, anchors, data, chosen.cache)
    judge = Judge(data)
    sizes, values = list[Size](), dict[int, Values]()
    for most in sorted({min(size, len(anchors.anchors)) for size in chosen.sizes}):
        print(f"{most} anchors", file=sys.stderr)
        part, known = fewer(anchors, everything, most)
        fitted = fit(part, known, judge)
        size, values[most] = size_figures(most, fitted, judge)
        sizes.append(size)
    splits = Splits(chosen.silos or len(everything), chosen.seeds, chosen.k)
    merges = merge_figures(data, fitted, judge, splits)
    print("asking fewer silos", file=sys.stderr)
    wider = Splits(chosen.select_silos, chosen.seeds, chosen.k)
    selections = selections_of(data, fitted, judge, wider)
    found = Meaning(
        python=platform.python_version(),
        numpy=np.__version__,
        data=chosen.data.resolve().name,
        documents=len(data.documents),
        questions=len(data.questions),
        anchor_set=anchors.set_id,
        models=[each.name for each in everything],
        natives={pair.asker: pair.asker_native for pair in sizes[-1].pairs},
        sizes=sizes,
        kept={size: kept_with_fewer(values[size], values[max(values)]) for size in values},
        silos=splits.silos,
        k=splits.k,
        seeds=splits.seeds,
        merged_with=most,
        merges=merges,
        selections=selections,
    )
    (chosen.out / "meaning.json").write_text(found.model_dump_json(indent=1) + "\n")
    tables = as_markdown(found)
    write_into(chosen.out / "README.md", "benchmarks.meaning", tables)
    print(tables)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.meaning", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data set in BEIR's layout")
    parser.add_argument("--anchors", type=Path, required=True, help="JSONL of public texts")
    parser.add_argument(
        "--encoder", action="append", required=True, help="as benchmarks.adapters.models names them"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[2000, 4000, 20_000])
    parser.add_argument("--cache", type=Path, required=True, help="folder where vectors are kept")
    parser.add_argument("--silos", type=int, help="default: one for each model")
    parser.add_argument(
        "--select-silos", type=int, default=9, help="silos where only some are asked"
    )
    parser.add_argument("--seeds", type=int, default=3, help="splits of each kind")
    parser.add_argument("-k", type=int, default=10, help="candidates from each silo")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"), help="folder")
    return parser


if __name__ == "__main__":
    main()
