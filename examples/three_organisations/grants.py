"""What each organisation permits the two others, as grant files.

The rule of this file: the text is what an administrator would write and review, nothing is computed
that a reader of the file would not see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from examples.three_organisations.organisations import Organisation
from examples.three_organisations.questions import PURPOSE

AGREEMENT_ID = "three-organisations-2026"
AGREEMENT = (
    "The three organisations may ask each other's collections for research. Whoever is shown a"
    " reference may apply to its owner for the record. All three keep logs and show them on request"
)
"""Stands for the contract that lawyers wrote; grants and log entries name it by its digest."""

AGREEMENT_UNTIL = "2035-12-31"
MOST_RESULTS = 10
QUERIES_PER_DAY = 500


def grant_file(owner: Organisation, peers: Iterable[Organisation]) -> str:
    """The owner's grants to all peers, as one TOML file."""
    digest = hashlib.sha256(AGREEMENT.encode()).hexdigest()
    return "\n".join(_grant(owner, peer, f"sha256:{digest}") for peer in peers)


def _grant(owner: Organisation, peer: Organisation, agreement_digest: str) -> str:
    return f"""\
[[grant]]
peer = "{peer.name}"
collection = "{owner.collection}"
purposes = ["{PURPOSE}"]
labels = ["*"]                # every document; name labels to show only some
granularity = "bins"          # ranks with score bins of 0.05; or ranks, count, boolean
max_k = {MOST_RESULTS}
queries_per_day = {QUERIES_PER_DAY}
request_url = "https://{owner.name}/records"

[grant.agreement]
id = "{AGREEMENT_ID}"
digest = "{agreement_digest}"
until = {AGREEMENT_UNTIL}
"""
