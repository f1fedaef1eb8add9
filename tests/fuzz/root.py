"""Root documents, the first of a partner and its successors."""

from functools import cache

from protocol.root import ROOT_TYPE, RootRefused, accept_root
from tests.fuzz.long import main
from tests.fuzz.signed import resigned
from tests.fuzz.target import Target
from tests.protocol.organisation import NOW, root, signed_root, signer

FIRST = root()


@cache
def valid() -> list[bytes]:
    """The first version, and a second one."""
    return [signed_root(FIRST), signed_root(root(version=2))]


def read(raw: bytes) -> None:
    """Read it as the first document of a partner and, where it can be one, as a successor."""
    try:
        accept_root(raw, signer("root 1").kid, None, NOW)
    finally:
        accept_root(raw, None, FIRST, NOW)


TARGET = Target(
    "root",
    "a root document is accepted, or RootRefused",
    read,
    (RootRefused,),
    valid,
    resigned(ROOT_TYPE, valid, [signer("root 1")]),
)

if __name__ == "__main__":
    main(TARGET)
