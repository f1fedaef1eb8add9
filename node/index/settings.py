"""How indexes are filled, built and searched; the defaults are the design's measured ones."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Parameters of the HNSW graph (Malkov and Yashunin 2016) and of its rebuilding.

    `m`: links per row and layer. `ef_construction`: candidates kept while building. `ef`:
    candidates kept while searching. `delta_limit`: rows searched one by one before a snapshot is
    due; while documents come in a large collection tolerates an eighth of its size. `dead_share`:
    deleted share of a snapshot's rows at which it is built anew instead of extended.
    `build_threads`, `search_threads`: threads in use. `max_pieces`: pieces that one document may be
    cut into.
    """

    m: int = 16
    ef_construction: int = 200
    ef: int = 64
    delta_limit: int = 1_000
    dead_share: float = 0.2
    max_pieces: int = 4_096
    build_threads: int = max(1, (os.cpu_count() or 1) - 1)
    search_threads: int = max(2, os.cpu_count() or 1)
