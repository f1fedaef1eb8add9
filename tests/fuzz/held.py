"""What a partner says that it holds of this node: a checkpoint and a root document, or nothing."""

import asyncio
import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import orjson

from node.audit.log import AuditLog
from node.audit.origin import log_origin
from node.backup.own_state import OwnState, judge, own_state
from protocol.checkpoint import Checkpoint, sign_checkpoint
from protocol.dsse import sign
from protocol.messages import Held
from protocol.problems import Refused
from protocol.root import ROOT_TYPE
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_json, spelled
from tests.fuzz.target import Target
from tests.node.audit.entries import event
from tests.protocol.exchange import held
from tests.protocol.organisation import NOW, root, signed_root, signer

ORIGIN = log_origin("clinic.example")
LEAVES = 5


@cache
def own() -> OwnState:
    """A log of five leaves and a root document; the file goes when Python does."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-held-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    async def fill() -> None:
        log = AuditLog.open(folder / "log.db", signer("log 1"), ORIGIN, lambda: NOW)
        for number in range(LEAVES):
            await log.append(event(str(number)))
        await log.close()

    asyncio.run(fill())
    return own_state(folder / "log.db", [root()], NOW)


def checkpoint(size: int, hash_: bytes) -> str:
    """A checkpoint that the own log key signed."""
    return sign_checkpoint(Checkpoint(ORIGIN, size, hash_), signer("log 1")).decode()


@cache
def valid() -> list[bytes]:
    """Nothing seen, the newest of everything, and more than there is."""
    seen = checkpoint(LEAVES, own().root_at(LEAVES)), signed_root(root())
    more = checkpoint(LEAVES + 1, bytes(32)), signed_root(root(version=2))
    fields = {"log_origin": ORIGIN}
    return [
        held(**fields, checkpoint=None, root=seen[1].decode()).encode(),
        *(
            held(**fields, checkpoint=note, root=raw.decode()).encode()
            for note, raw in (seen, more)
        ),
    ]


def nearly(choices: Choices) -> bytes:
    """A claim with other members, or with another checkpoint or root document, rightly signed."""
    claim = orjson.loads(choices.pick(valid()))
    kind = choices.below(3)
    if kind == 0:
        return spelled(changed_json(claim, choices), choices)
    if kind == 1:
        claim["checkpoint"] = checkpoint(choices.below(2 * LEAVES), choices.taken(32).ljust(32))
    else:
        changed = spelled(changed_json(orjson.loads(root(version=2).payload), choices), choices)
        claim["root"] = sign(changed, ROOT_TYPE, [signer("root 1")]).decode()
    return orjson.dumps(claim)


TARGET = Target(
    "held",
    "what a partner holds of this node is read and judged, or Refused",
    lambda raw: judge(Held.parse(raw), own()),
    (Refused,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
