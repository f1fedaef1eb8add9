"""What the node is to reach, beside what it reached, and what stands in the way.

The rule of this file: every wanted figure has a line, also where it was not measured; what bounds a
figure is told from processor time measured in the same run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.speed.ratios import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Figures = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """One wanted figure: a ratio by its name (`{main}`, `{few}`, `{many}` are sizes).

    `most`: the figure is to be at most `limit`, else at least.
    """

    said: str
    ratio: str
    limit: float
    most: bool = False

    def met(self, value: float) -> bool:
        """Whether the value is as wanted."""
        return value <= self.limit if self.most else value >= self.limit


WANTED = (
    Wanted("questions a second at 16 clients, of Chroma's",
           "node_qps_16_clients / chroma_qps_16_clients", 3),
    Wanted("the same, of bare hnswlib's, one by one on one thread",
           "node_qps_16_clients / hnswlib_qps_alone", 0.22),
    Wanted("median at one client, of Chroma's",
           "node_p50_1_client / chroma_p50_1_client", 1, most=True),
    Wanted("signed batches of 64, of bare batches with as many threads",
           "node_qps_batches_of_64 / hnswlib_qps_batches_of_64", 0.75),
    Wanted("growth of the median from {few:,} to {many:,} documents",
           "node_p50_{many} / node_p50_{few}", 2.5, most=True),
    Wanted("memory of a document, of bare hnswlib's",
           "node_memory_bytes / hnswlib_memory_bytes", 1.15, most=True),
    Wanted("documents ingested a second, of bare `add_items`",
           "node_documents_per_second / hnswlib_add_items_per_second", 0.85),
    Wanted("p99 of questions during full-speed ingestion, of idle",
           "node_p99_while_ingesting / node_p99_idle", 3, most=True),
    Wanted("processor ms of the asker for each more partner",
           "asker_cpu_ms / additional_partner", 1, most=True),
    Wanted("longest question with partners that are slow, hang or fail, of the deadline",
           "longest_ms_with_unwell_partners / deadline_ms", 1.05, most=True),
)  # fmt: skip


def beside(figures: Figures) -> Iterator[tuple[str, str, str, str]]:
    """Yield of each wanted figure: what it is, what is wanted, what was reached, whether."""
    sizes = [part["shape"]["documents"] for part in nodes(figures["parts"])]
    for wanted in WANTED:
        place = {"few": min(sizes, default=0), "many": max(sizes, default=0)}
        value = figures["ratios"].get(wanted.ratio.format(**place))
        limit = f"{'at most' if wanted.most else 'at least'} {wanted.limit:g}"
        said = wanted.said.format(**place)
        if value is None:
            yield said, limit, "not measured", ""
        else:
            yield said, limit, f"{value:.3g}", "yes" if wanted.met(value) else "**no**"


def nodes(parts: Figures) -> list[Figures]:
    """The parts that asked one node, by number of documents."""
    found = [part for name, part in parts.items() if name.startswith("node-")]
    return sorted(found, key=lambda part: int(part["shape"]["documents"]))


def bounds(figures: Figures) -> Iterator[str]:
    """Yield a sentence for each figure: what bounds it, how far that is from the primitives."""
    parts, main = figures["parts"], figures["plan"]["main"]
    cores = figures["machine"]["cores"]
    raw = parts.get("stages", {}).get("primitives_us")
    if (node := parts.get(f"node-{main}")) is not None:
        for (clients, batch), run in runs(node).items():
            if run["node_ms"] is not None:
                yield _of_a_run(clients, batch, run, node["bare"], raw, cores)
    for name, say in _OTHERS.items():
        if name in parts:
            yield say(parts[name])
    if {"ingestion", "while-ingesting"} <= parts.keys():
        yield _of_both(parts["ingestion"], parts["while-ingesting"], cores)
    if (sizes := nodes(parts))[1:]:
        yield _of_growth(sizes[0], sizes[-1])


def _of_a_run(
    clients: int, batch: int, run: Figures, bare: Figures, raw: Figures | None, cores: int
) -> str:
    """The processor time that the node had, what it needed for a question, what had to be."""
    busy = run["node_ms"] * run["per_second"] / 1e3
    asked = f"{clients} client{'s' if clients > 1 else ''}" + (
        f", batches of {batch}" if batch > 1 else ""
    )
    floor_us = bare["cpu_us"]
    if raw is not None:
        floor_us += (raw["verify"] + raw["sign"]) / batch
    # one event loop: above nine tenths of a processor the node itself is what is waited for
    own = busy > 0.9
    bound = "the node's processor time" if own else "what the client and the disk take in turns"
    return (
        f"{asked}: bound by {bound}: {busy:.2f} of {cores} processors busy in the node and "
        f"{run['load_share']:.2f} in the load, {run['node_ms']:.2f} ms a question where signature "
        f"checked, search and signature made take {floor_us / 1e3:.2f} ms: "
        f"{run['node_ms'] * 1e3 / floor_us:.1f} times as much."
    )


def _of_stages(part: Figures) -> str:
    route, raw = part["routes"][0], part["primitives_us"]
    longest = sorted(route["stages_us"], key=lambda name: -route["stages_us"][name])[:3]
    taken = ", ".join(f"{name} {route['stages_us'][name]:.0f} us" for name in longest)
    return (
        f"One question inside the responder: {route['whole_us']:.0f} us, "
        f"{route['whole_us'] / raw['sum']:.1f} times the sum of the raw primitives "
        f"({raw['sum']:.0f} us, {raw['commit']:.0f} of them the synced commit); most go to {taken}."
    )


def _of_ingestion(part: Figures) -> str:
    added_us, node_us = part["hnswlib_cpu_us"], part["node_cpu_us"]
    return (
        f"Ingestion: {node_us:.0f} us of processor time a document, {added_us:.0f} of them what "
        f"bare `add_items` takes; the graph is built on {part['threads']} of the processors, which "
        f"bounds it. Pairs gave {part['ratio_span'][0]:.2f} to {part['ratio_span'][1]:.2f} of bare "
        f"hnswlib's rate, by processor time {part['cpu_ratio']:.2f}. "
        f"Memory of a document: {part['node_memory_bytes']:.0f} bytes of its own and "
        f"{part['node_mapped_bytes']:.0f} of files, which the system takes back when it needs "
        f"them; bare hnswlib {part['hnswlib_memory_bytes']:.0f}."
    )


def _of_both(alone: Figures, both: Figures, cores: int) -> str:
    """What is left for questions beside ingestion at the rate that it had."""
    needs = both["documents_per_second"] * alone["node_cpu_us"] / 1e6
    used = both["busy_processors"]
    share = "" if used is None else f"{used:.2f} of {cores} processors busy in the node, "
    return (
        f"Questions during ingestion: {share}{needs:.2f} of them would be "
        f"{both['documents_per_second']:.0f} documents a second alone. A question changes threads "
        "several times and waits each time for the interpreter's lock, and it is searched row by "
        "row in what is not in the graph yet."
    )


def _of_growth(few: Figures, many: Figures) -> str:
    """How much of it is the search: the rest of the journey does not know the size."""
    asked = [part["bare"]["median_us"] / 1e3 for part in (few, many)]
    whole = [runs(part)[1, 1]["p50_ms"] for part in (few, many)]
    return (
        f"Growth from {few['shape']['documents']:,} to {many['shape']['documents']:,} documents: "
        f"the median of one client goes from {whole[0]:.2f} to {whole[1]:.2f} ms, of which a bare "
        f"search takes {asked[0]:.2f} and {asked[1]:.2f}; nothing else depends on the size."
    )


def _of_fan_out(part: Figures) -> str:
    return (
        f"Fan-out: {part['cpu_ms_a_partner'] or 0:.2f} ms of the asker's processor time for each "
        "more partner: its signature, its answer's two signature checks, its leaves."
    )


_OTHERS: dict[str, Callable[[Figures], str]] = {
    "stages": _of_stages,
    "ingestion": _of_ingestion,
    "fan-out": _of_fan_out,
}
