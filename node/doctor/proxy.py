"""Check of the way out: which proxy partners are reached through, if any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from node.doctor.finding import Finding, note, problem
from node.federation.proxy import Proxy
from node.operations.errors import OperationError


def check_proxy(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Names the proxy without its credentials; one that cannot be used is a problem."""
    try:
        proxy = Proxy.from_environment(environ)
    except OperationError as error:
        yield problem(error.code, error.cause, error.fix)
        return
    if proxy is not None:
        yield note(
            "proxy",
            f"Partners on https are reached through the proxy {proxy.url}.",
            "HTTPS_PROXY in the node's environment sets it, NO_PROXY names hosts without it.",
        )
