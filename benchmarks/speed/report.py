"""The figures of a run as tables for people, in Markdown.

The rule of this file: it shows what was measured and leaves nothing out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.speed.wanted import beside, bounds, nodes

if TYPE_CHECKING:
    from collections.abc import Iterable


def report(figures: dict[str, Any]) -> str:
    """Return the tables of everything that `figures` has."""
    machine, world = figures["machine"], figures["plan"]["world"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    lines = [
        f"Plan {figures['plan']['name']}. {machine['processor']}, {machine['cores']} cores, load "
        f"{machine['load']:.1f} at the end, Python {machine['python']}, {versions}. "
        f"{world['dimension']} dimensions, intrinsic {world['intrinsic']}, seed {world['seed']}; "
        f"{figures['plan']['rounds']} rounds of {figures['plan']['questions']} questions, "
        f"k {figures['plan']['k']}. Code: "
        f"{', '.join(figures['revisions'])}.",
    ]
    lines += [f"\n{part} failed: {why}" for part, why in figures["failed"].items()]
    head = ("wanted", "", "reached", "met")
    lines += ["", *_table(head, beside(figures)), "", *(f"- {said}" for said in bounds(figures))]
    for part in nodes(figures["parts"]):
        measured = f"intrinsic dimension {part['intrinsic_measured']:.1f} as measured"
        lines += ["", f"{part['shape']['documents']:,} documents, {measured}:", "", *_node(part)]
    if "stages" in figures["parts"]:
        lines += ["", *_stages(figures["parts"]["stages"])]
    for name in ("chroma", "pgvector"):
        if name in figures["parts"]:
            lines += ["", *_peer(name, figures["parts"][name])]
    if "ingestion" in figures["parts"]:
        lines += ["", *_ingestion(figures["parts"]["ingestion"])]
    if "while-ingesting" in figures["parts"]:
        lines += ["", *_while_ingesting(figures["parts"]["while-ingesting"])]
    if "fan-out" in figures["parts"]:
        lines += ["", *_fan_out(figures["parts"]["fan-out"])]
    rows = [(f"`{name}`", f"{value:.3f}") for name, value in figures["ratios"].items()]
    return "\n".join([*lines, "", *_table(("ratio", "value"), rows)])


def _node(part: dict[str, Any]) -> list[str]:
    plain = part["bare"]
    rows = [
        (
            "hnswlib, one by one", f"{plain['single']:.0f}", "", f"{plain['median_us'] / 1e3:.2f}",
            "", f"{plain['recall']:.3f}", f"{plain['cpu_us'] / 1e3:.2f}",
        )
    ]  # fmt: skip
    threads = plain["threads"]
    for size, rate in plain["batched"].items():
        alone = plain["batched_one_thread"][size]
        name = f"hnswlib, batches of {size}, {threads} threads (one thread)"
        rows.append((name, f"{rate:.0f} ({alone:.0f})", "", "", "", "", ""))
    for run in part["node"]:
        asked = f", batches of {run['batch']}" if run["batch"] > 1 else ""
        rows.append(
            (
                f"{run['route']}, {run['clients']} clients{asked}",
                f"{run['per_second']:.0f}",
                f"{run['lowest']:.0f} to {run['highest']:.0f}",
                f"{run['p50_ms']:.2f}",
                f"{run['p99_ms']:.2f}",
                f"{run['recall']:.3f}",
                "" if run["node_ms"] is None else f"{run['node_ms']:.2f}",
            )
        )
    head = ("", "q/s", "rounds", "p50 ms", "p99 ms", "recall@10", "CPU ms a question")
    return _table(head, rows)


def _stages(part: dict[str, Any]) -> list[str]:
    """Elapsed microseconds a question, and processor microseconds in brackets."""
    raw, routes = part["primitives_us"], part["routes"]
    rows = [
        (
            name,
            *(_taken(route, name) for route in routes),
            f"{raw[name]:.0f}" if name in raw else "",
        )
        for name in routes[0]["stages_us"]
    ]
    whole = [f"{route['whole_us']:.0f} ({route['cpu_us']:.0f})" for route in routes]
    rows.append(("whole", *whole, f"{raw['sum']:.0f}"))
    head = ("us a question (processor)", *(route["route"] for route in routes), "raw primitive")
    return _table(head, rows)


def _peer(name: str, part: dict[str, Any]) -> list[str]:
    if "left_out" in part:
        return [f"{name} is left out: {part['left_out']}"]
    about = f"{part['version']}, unsigned: {part['documents_per_second']:.0f} documents a second."
    rows = [
        (
            f"{name}, {run['clients']} clients",
            f"{run['per_second']:.0f}",
            f"{run['lowest']:.0f} to {run['highest']:.0f}",
            f"{run['p50_ms']:.2f}",
            f"{run['p99_ms']:.2f}",
            f"{run['recall']:.3f}",
        )
        for run in part["runs"]
    ]
    return [about, "", *_table(("", "q/s", "rounds", "p50 ms", "p99 ms", "recall@10"), rows)]


def _ingestion(part: dict[str, Any]) -> list[str]:
    rows = []
    for name, value in part.items():
        values = value if isinstance(value, list) else [value]
        shown = " to ".join(f"{one:.1f}" if isinstance(one, float) else str(one) for one in values)
        rows.append((name.replace("_", " "), shown))
    return _table(("ingestion", "bytes are a document"), rows)


def _while_ingesting(part: dict[str, Any]) -> list[str]:
    rows = [
        (name, f"{part[f'{name}_p50_ms']:.2f}", f"{part[f'{name}_p99_ms']:.2f}")
        for name in ("idle", "busy")
    ]
    head = (f"one client; {part['documents_per_second']:.0f} documents a second come in where busy",
            "p50 ms", "p99 ms")  # fmt: skip
    return _table(head, rows)


def _fan_out(part: dict[str, Any]) -> list[str]:
    """Elapsed and the asker's processor time; beside it with slow, hanging and failing ones too."""
    rows = [
        (
            str(run["partners"]),
            f"{run['p50_ms']:.1f}",
            f"{run['longest_ms']:.1f}",
            f"{run['cpu_ms']:.1f}",
            f"{run['with_unwell']['p50_ms']:.0f}",
            ", ".join(f"{name} {state}" for name, state in run["with_unwell"]["states"].items()),
        )
        for run in part["runs"]
    ]
    head = (
        "partners",
        "p50 ms",
        "longest ms",
        "asker's CPU ms",
        "p50 ms with unwell ones",
        "those",
    )
    return _table(head, rows)


def _taken(route: dict[str, Any], stage: str) -> str:
    cpu = route["stages_cpu_us"].get(stage)
    taken = f"{route['stages_us'][stage]:.0f}"
    return taken if cpu is None else f"{taken} ({cpu:.0f})"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
