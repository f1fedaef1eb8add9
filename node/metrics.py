"""What the node counts, in Prometheus' text format: numbers and names, never content."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The counters of one running node, in a registry of their own.

    Attributes:
        requests: HTTP requests by listener, route and status.
        seconds: their duration by listener and route, in seconds.
        connections: open connections by listener.
        operations: operations by name and exit code.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "interlingua_http_requests",
            "HTTP requests answered.",
            ("listener", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "interlingua_http_request_seconds",
            "Seconds from a request's headers to the end of its answer.",
            ("listener", "route"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.connections = Gauge(
            "interlingua_open_connections",
            "Connections open now.",
            ("listener",),
            registry=self.registry,
        )
        self.operations = Counter(
            "interlingua_operations",
            "Operations run through the admin socket and the local API.",
            ("operation", "exit_code"),
            registry=self.registry,
        )

    def exposition(self) -> bytes:
        """All metrics as the body of a scrape (text format 0.0.4)."""
        return generate_latest(self.registry)
