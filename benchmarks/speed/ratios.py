"""The ratios that say whether a node is fast enough, each named by what it divides.

The rule of this file: both sides of a ratio were measured in the same run on the same machine with
the same data. A ratio whose parts are not there is left out.
"""

from __future__ import annotations

from typing import Any

ROUTE = "same model"
LEAST_RECALL = 0.97
"""Rates of servers that find less than this share of the nearest ten are not compared."""


def ratios(parts: dict[str, Any], main: int) -> dict[str, float]:
    """Return every ratio that the finished parts allow; `main` is the size that others use."""
    found: dict[str, float] = {}
    if (node := parts.get(f"node-{main}")) is not None:
        found |= _beside_bare(node)
        for peer in ("chroma", "pgvector"):
            found |= _beside_peer(node, peer, parts.get(peer, {}))
    found |= _growth(parts)
    if (ingested := parts.get("ingestion")) is not None:
        found |= _ingestion(ingested)
    if (busy := parts.get("while-ingesting")) is not None:
        for share in ("p50", "p99"):
            name = f"node_{share}_while_ingesting / node_{share}_idle"
            found[name] = busy[f"busy_{share}_ms"] / busy[f"idle_{share}_ms"]
    if (asked := parts.get("fan-out")) is not None:
        found["asker_cpu_ms / additional_partner"] = asked["cpu_ms_a_partner"]
        slowest = max(run["with_unwell"]["longest_ms"] for run in asked["runs"])
        found["longest_ms_with_unwell_partners / deadline_ms"] = slowest / asked["deadline_s"] / 1e3
    if (staged := parts.get("stages")) is not None:
        whole, raw = staged["routes"][0]["whole_us"], staged["primitives_us"]["sum"]
        found["responder_us / sum_of_primitives_us"] = whole / raw
    return found


def _beside_peer(node: dict[str, Any], name: str, peer: dict[str, Any]) -> dict[str, float]:
    """Rates over the peer's rates, and the peer's median over the node's at one client."""
    found = {}
    for run in peer.get("runs", []):
        clients = run["clients"]
        if min(run["recall"], runs(node)[clients, 1]["recall"]) < LEAST_RECALL:
            continue
        ours = runs(node)[clients, 1]
        found[f"node_qps_{clients}_clients / {name}_qps_{clients}_clients"] = (
            ours["per_second"] / run["per_second"]
        )
        if clients == 1:
            found[f"node_p50_1_client / {name}_p50_1_client"] = ours["p50_ms"] / run["p50_ms"]
    return found


def _ingestion(part: dict[str, Any]) -> dict[str, float]:
    """Rates and processor times were divided pair by pair; the rest is divided here."""
    found = {
        "node_documents_per_second / hnswlib_add_items_per_second": part["ratio"],
        "hnswlib_add_items_cpu_us / node_ingestion_cpu_us": part["cpu_ratio"],
    }
    named = {
        "node_memory_bytes / hnswlib_memory_bytes": (
            part["node_memory_bytes"], part["hnswlib_memory_bytes"],
        ),
        "start_without_snapshot / start_with_snapshot": (
            part["start_without_snapshot_s"], part["start_with_snapshot_s"],
        ),
    }  # fmt: skip
    return found | {name: one / other for name, (one, other) in named.items() if other}


def runs(node: dict[str, Any], route: str = ROUTE) -> dict[tuple[int, int], dict[str, Any]]:
    """The runs of one route by clients and size of batches."""
    return {(run["clients"], run["batch"]): run for run in node["node"] if run["route"] == route}


def _beside_bare(node: dict[str, Any]) -> dict[str, float]:
    plain, found = node["bare"], {}
    for (clients, batch), run in runs(node).items():
        if batch == 1:
            name = f"node_qps_{clients}_clients / hnswlib_qps_alone"
            found[name] = run["per_second"] / plain["single"]
            if run["node_ms"]:
                name = f"hnswlib_cpu_us / node_cpu_us_{clients}_clients"
                found[name] = plain["cpu_us"] / (run["node_ms"] * 1e3)
        else:
            name = f"node_qps_batches_of_{batch} / hnswlib_qps_batches_of_{batch}"
            found[name] = run["per_second"] / plain["batched"][str(batch)]
    return found


def _growth(parts: dict[str, Any]) -> dict[str, float]:
    """How the median of one client grows with the collection, and bare hnswlib's beside it."""
    by_size = {
        part["shape"]["documents"]: part for name, part in parts.items() if name.startswith("node-")
    }
    if len(by_size) < 2:
        return {}
    few, many = min(by_size), max(by_size)

    def p50(documents: int) -> float:
        return float(runs(by_size[documents])[1, 1]["p50_ms"])

    def bare_p50(documents: int) -> float:
        return float(by_size[documents]["bare"]["median_us"])

    return {
        f"node_p50_{many} / node_p50_{few}": p50(many) / p50(few),
        f"hnswlib_p50_{many} / hnswlib_p50_{few}": bare_p50(many) / bare_p50(few),
    }
