"""What the node holds at the moment of a scrape: log, documents, partners, and what expires.

Alarms are built on these: a log that stopped growing, a card or root document about to end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from node import expiries

if TYPE_CHECKING:
    from node.expiries import Expiry
    from node.node import Node


class NodeGauges(Collector):
    """Reads a node's figures when they are asked for; register it with `Metrics.registry`.

    `certificate_expires` gives the end of the TLS certificate in use, None without one.
    """

    def __init__(self, node: Node, certificate_expires: Callable[[], int | None]) -> None:
        self._node = node
        self._certificate_expires = certificate_expires

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The present figures; before all rooms are open, those that are there."""
        node = self._node
        yield _one("interlingua_serving", "1 while the node answers.", int(node.serving))
        yield _one(
            "interlingua_root_expires",
            "When the root document ends, epoch seconds.",
            node.identity.root.expires,
        )
        doubt = node.clock_watch.doubt()
        yield _one(
            "interlingua_clock_ahead_seconds",
            "Seconds by which the clock seems to be ahead (negative: behind); 0 while believed.",
            doubt.ahead_s if doubt is not None else 0,
        )
        ends = self._certificate_expires()
        if ends is not None:
            yield _one(
                "interlingua_certificate_expires",
                "When the TLS certificate in use ends, epoch seconds.",
                ends,
            )
        if not node.serving:
            return
        yield _one("interlingua_log_leaves", "Leaves in the audit log.", node.log.size())
        yield from _of_content(node)
        yield _many(
            "interlingua_witness_leaves",
            "Leaves of this log that a witness has cosigned since the start.",
            "organisation",
            {
                peer.organisation: node.submitter.standing(peer.organisation).size
                for peer in node.submitter.witnesses()
            },
        )
        yield _one(
            "interlingua_forks",
            "Files of evidence that a partner's log has forked.",
            sum(1 for _ in node.data.forks.glob("*.json")),
        )
        yield _one(
            "interlingua_card_expires",
            "When the card ends, epoch seconds.",
            node.card.expires,
        )
        yield _many(
            "interlingua_documents",
            "Documents by collection.",
            "collection",
            {each.name: each.documents for each in node.collections.all()},
        )
        yield _many(
            "interlingua_encoder_sketch_distance",
            "How far an encoder's model lies from its space by the last look; above 0.006 it is "
            "another model, and refused.",
            "encoder",
            {
                each.name: each.live.apart
                for each in node.encoders.all()
                if each.live.apart is not None
            },
        )
        yield from _of_versions(node)
        yield from _of_courses(node)
        yield _many(
            "interlingua_partners",
            "Partners by state.",
            "state",
            Counter(peer.state for peer in node.peers.all()),
        )
        yield _many(
            "interlingua_key_expires",
            "When the last key of a purpose ends, epoch seconds.",
            "purpose",
            _first_ends(each for each in expiries.own(node) if each.kind in ("key", "root-key")),
        )
        yield _many(
            "interlingua_partner_root_expires",
            "When a partner's root document ends, epoch seconds.",
            "organisation",
            _first_ends(each for each in expiries.partners(node) if each.kind == "partner-root"),
        )
        yield _many(
            "interlingua_grant_expires",
            "When the first grant to a partner, or its agreement, ends, epoch seconds.",
            "organisation",
            _first_ends(expiries.grants(node)),
        )
        yield _many(
            "interlingua_partner_card_expires",
            "When a partner's card ends, epoch seconds.",
            "organisation",
            {peer.organisation: peer.card.expires for peer in node.peers.all()},
        )

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: without it, registering would already ask the node for its figures."""
        yield from ()


def _of_content(node: Node) -> Iterator[GaugeMetricFamily]:
    """What is kept of exchanges, and whether the rules that erase it run."""
    contents = node.contents
    yield _many(
        "interlingua_content_records",
        "Records of exchanges that are kept, by kind.",
        "kind",
        contents.records.counts() if contents.is_begun else {},
    )
    yield _one(
        "interlingua_content_lost",
        "Records that could not be kept since the start.",
        contents.lost,
    )
    yield _one(
        "interlingua_erasures_pending",
        "Erasures of which something is left in a file.",
        node.erasures.unfinished(),
    )
    yield _one(
        "interlingua_retention_ran",
        "When the rules by age were applied last, epoch seconds; 0: not since the start.",
        node.retention.ran or 0,
    )


def _of_versions(node: Node) -> Iterator[GaugeMetricFamily]:
    """What the watch saw last of the versions that serve."""
    looks = {each.name: node.watch.last(each) for each in node.collections.all()}
    seen = {name: look for name, look in looks.items() if look is not None}
    yield _many(
        "interlingua_canary_ndcg",
        "Mean nDCG@10 of the serving version on the canaries, at the last look.",
        "collection",
        {name: each.now for name, each in seen.items() if each.now is not None},
    )
    yield _many(
        "interlingua_canary_change",
        "How much of it the version gained (negative: lost) against itself; below "
        "-versions.worst_drop the watch alarms.",
        "collection",
        {name: each.change.value for name, each in seen.items() if each.change is not None},
    )
    yield _many(
        "interlingua_far_questions",
        "Share of the last 200 judged questions to which nothing was near; a twentieth is usual.",
        "collection",
        {
            each.name: each.serving.far.share
            for each in node.collections.all()
            if each.serving.far.share is not None
        },
    )
    yield _many(
        "interlingua_version_worse",
        "1 where the watch found a bar crossed at its last look.",
        "collection",
        {name: int(bool(each.wrong)) for name, each in seen.items()},
    )


def _of_courses(node: Node) -> Iterator[GaugeMetricFamily]:
    """How far questions and documents are on their way to another model, where they are moved."""
    running = {
        each.name: course for each in node.collections.all() if (course := each.standing.course)
    }
    yield _many(
        "interlingua_course_share",
        "Share of the questions that a strategy that runs concerns, 0 to 1.",
        "collection",
        {name: course.row.share / 100 for name, course in running.items()},
    )
    yield _many(
        "interlingua_course_since",
        "When that share was set, epoch seconds.",
        "collection",
        {name: course.row.since for name, course in running.items()},
    )
    coverage = GaugeMetricFamily(
        "interlingua_version_coverage",
        "Share of the documents that the new version of a strategy that runs has vectors of, 0 to "
        "1; counted every half minute.",
        labels=("collection", "version"),
    )
    for name, course in sorted(running.items()):
        counted = course.version.last_coverage
        if counted is not None and course.row.strategy != "bridge":
            coverage.add_metric((name, course.version.name), counted.share)
    yield coverage


def _first_ends(found: Iterable[Expiry]) -> dict[str, int]:
    """The first end by subject."""
    ends: dict[str, int] = {}
    for each in found:
        ends[each.subject] = min(each.at, ends.get(each.subject, each.at))
    return ends


def _one(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)


def _many(name: str, about: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=(label,))
    for key, value in sorted(values.items()):
        family.add_metric((key,), value)
    return family
