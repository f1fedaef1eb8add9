"""What `audit verify` can trust where an auditor has no data directory: what was given to it.

Rule of this file: nothing of a node is read or imported. It works where hnswlib, aiohttp and numpy
are not installed.
"""

from pathlib import Path

from node.audit.errors import LogForeign
from node.audit.given_root import GivenRoot
from node.audit.origin import stated_origin
from node.audit.verify import Anchors
from protocol.note import VerifierKey
from protocol.root_history import every_key
from protocol.witness_policy import NOBODY, WitnessPolicy


def unknown(log_key: VerifierKey | None, policy: WitnessPolicy = NOBODY) -> Anchors:
    """Return the anchors of somebody who has nothing but, perhaps, keys of log and witnesses."""
    organisation = log_key.name.partition("/")[0] if log_key else None
    return Anchors(organisation, log_key, lambda _: None, lambda _, __: None, policy)


def with_root(root: GivenRoot, log_file: Path, policy: WitnessPolicy = NOBODY) -> Anchors:
    """Return the anchors of somebody who has the root document of the log's owner."""
    owner = root.document.organisation
    try:
        origin = stated_origin(log_file, owner)
    except LogForeign as error:  # its own words of fix are for the log's owner
        fix = f"This is the root document of {owner}; give that of the log's owner."
        raise LogForeign(str(error), fix=fix) from None
    ring = every_key([root.document])
    return Anchors(
        organisation=owner,
        log_key=root.log_keys(origin),
        ring_of=lambda name: ring if name == owner else None,
        log_keys_of=lambda name, of: root.log_keys(of) if name == owner else None,
        policy=policy,
    )
