"""Processes of their own for a figure or a load.

The rule of this file: each begins with everything imported and nothing done, forked from a server
that does nothing else, so that imports are paid once and nobody else's memory or threads count.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

from node.config import Log
from node.logging import configure

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext

_IMPORTED = ["benchmarks.one_node.load", "benchmarks.speed.ingestion", "benchmarks.speed.fan_out"]


def fresh() -> ForkServerContext:
    """Where such processes come from."""
    context = get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    return context


def one_process() -> ProcessPoolExecutor:
    """One such process that does what is submitted, and says nothing by itself."""
    quiet = Log(level="warning", format="text")
    return ProcessPoolExecutor(1, fresh(), initializer=configure, initargs=(quiet,))
