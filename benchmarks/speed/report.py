"""The figures of a run as tables for people, in Markdown.

The rule of this file: it shows what was measured and leaves nothing out; what it means is written
by whoever ran it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def report(figures: dict[str, Any]) -> str:
    """Return the tables of everything that `figures` has."""
    machine, world = figures["machine"], figures["plan"]["world"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load']:.1f} at the end, "
        f"Python {machine['python']}, {versions}. {world['dimension']} dimensions, intrinsic "
        f"{world['intrinsic']}, seed {world['seed']}; {figures['plan']['rounds']} rounds of "
        f"{figures['plan']['questions']} questions, k {figures['plan']['k']}.",
    ]
    for name, part in figures["parts"].items():
        if name.startswith("node-"):
            lines += ["", f"{part['shape']['documents']:,} documents:", "", *_node(part)]
    if "stages" in figures["parts"]:
        lines += ["", *_stages(figures["parts"]["stages"])]
    for name in ("chroma", "pgvector"):
        if name in figures["parts"]:
            lines += ["", *_peer(name, figures["parts"][name])]
    if "ingestion" in figures["parts"]:
        lines += ["", *_ingestion(figures["parts"]["ingestion"])]
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
    return _table(("", "q/s", "rounds", "p50 ms", "p99 ms", "recall@10"), rows)


def _ingestion(part: dict[str, Any]) -> list[str]:
    figures = (
        f"{value:.1f}" if isinstance(value, float) else str(value) for value in part.values()
    )
    rows = [(name.replace("_", " "), value) for name, value in zip(part, figures, strict=True)]
    return _table(("ingestion", "bytes are a document"), rows)


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
