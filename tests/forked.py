"""Processes forked from one that has imported everything: many can begin and be killed in a second.

A process of tests has one server of forks, and what that imports is settled at its first use: so
all that is run in such processes is named here.
"""

from multiprocessing import get_context
from multiprocessing.context import ForkServerContext

RUN = (
    "tests.node.collections.ingester",
    "tests.node.collections.migrator",
    "tests.node.transfer.importer",
    "tests.scenarios.node_process",
)


def forking() -> ForkServerContext:
    """What starts such processes."""
    context = get_context("forkserver")
    context.set_forkserver_preload([*RUN])
    return context
