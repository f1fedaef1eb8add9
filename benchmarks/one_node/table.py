"""The figures of one node, for people.

The rule of this file: every figure stands beside bare hnswlib's of the same run.
"""

from __future__ import annotations

from typing import Any


def table(figures: dict[str, Any]) -> str:
    """Return a table of what `benchmarks.queries` measured."""
    plain, shape = figures["bare"], figures["shape"]
    threads = f"{plain['threads']} threads"
    lines = [
        f"{figures['machine']['processor']}, {figures['machine']['cores']} cores, "
        f"load {figures['machine']['load']:.1f}, Python {figures['machine']['python']}, "
        + ", ".join(f"{name} {number}" for name, number in figures["machine"]["versions"].items()),
        f"{shape['documents']} documents of {shape['dimension']} dimensions (intrinsic "
        f"{shape['intrinsic']}), k {figures['plan']['k']}, ef {figures['index']['ef']}",
        "",
        f"{'':38}{'q/s':>8}{'lowest':>8}{'highest':>8}{'p50 ms':>9}{'p99 ms':>9}{'recall':>8}"
        f"{'node CPU ms':>13}{'load CPU':>10}{'of bare':>9}",
        f"{'hnswlib, one by one':38}{plain['single']:8.0f}{'':16}{plain['median_us'] / 1e3:9.2f}"
        f"{'':9}{plain['recall']:8.3f}{plain['cpu_us'] / 1e3:13.2f}",
    ]
    for size, rate in plain["batched_one_thread"].items():
        lines.append(f"{f'hnswlib, batches of {size}':38}{rate:8.0f}")
        lines.append(f"{f'hnswlib, batches of {size}, {threads}':38}{plain['batched'][size]:8.0f}")
    return "\n".join(lines + [_line(one, plain) for one in figures["node"]])


def _line(one: dict[str, Any], plain: dict[str, Any]) -> str:
    batch = one["batch"]
    asked = f", batches of {batch}" if batch > 1 else ""
    name = f"{one['route']}, {one['clients']} clients{asked}"
    used = f"{one['node_ms']:13.2f}" if one["node_ms"] is not None else f"{'':13}"
    of = plain["batched"][batch] if batch > 1 else plain["single"]
    return (
        f"{name:38}{one['per_second']:8.0f}{one['lowest']:8.0f}{one['highest']:8.0f}"
        f"{one['p50_ms']:9.2f}{one['p99_ms']:9.2f}{one['recall']:8.3f}{used}"
        f"{one['load_share']:10.0%}{one['per_second'] / of:9.3f}"
    )
