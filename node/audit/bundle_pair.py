"""`audit reconcile`: two sides' bundles, each verified by itself, then joined.

Rule of this file: nothing is joined that was not verified. Each bundle is read twice: once for
whose log it is and for the sizes of the other log's trees that its receipts name, and once to
verify it and to take those roots on the way: a tree that has grown further cannot give them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from keys.words import fingerprint, same_words
from node.audit.bundle_check import BundleCheck
from protocol.account import Account
from protocol.bundle import BundleReader
from protocol.checkpoint import parse_checkpoint
from protocol.leaf import Received, decode_leaf
from protocol.log_errors import LogMaterialError
from protocol.note import parse_note
from protocol.reconcile import Reconciled, reconcile
from protocol.root import RootRefused
from protocol.root_history import read_claimed

Lines = Callable[[], Iterable[bytes]]
"""Opens a bundle and gives its lines, each time from the first."""

_MARK = b'"receipt":'


@dataclass(frozen=True)
class PairChecked:
    """Both checks; ``joined`` is None where one of them failed, or both are of one organisation."""

    checks: tuple[BundleCheck, BundleCheck]
    joined: Reconciled | None


@dataclass(frozen=True)
class _Glance:
    """What a bundle claims: whose log it is, and the (origin, size) that its receipts name.

    ``words``: the fingerprints of all root keys in it.
    """

    owner: str
    origin: str
    named: frozenset[tuple[str, int]]
    words: frozenset[str]

    def has(self, given: str) -> bool:
        """Tell whether a root key in it has the fingerprint that was given."""
        return any(same_words(words, given) for words in self.words)


def check_pair(one: Lines, other: Lines, fingerprints: Sequence[str]) -> PairChecked:
    """Verify two bundles and join them; each fingerprint must be of a root key in one of them.

    One of neither side fits only where both sides' were given too.
    """
    glances = (_glance(one()), _glance(other()))
    foreign = [given for given in fingerprints if not any(g.has(given) for g in glances)]
    pinning = [[*filter(glance.has, fingerprints), *foreign] for glance in glances]
    accounts = (_account(glances[0], glances[1]), _account(glances[1], glances[0]))
    checks = (
        _check(one(), pinning[0], accounts[0], glances[1]),
        _check(other(), pinning[1], accounts[1], glances[0]),
    )
    _name_unfitting(checks, fingerprints)
    if any(check.findings for check in checks) or glances[0].owner == glances[1].owner:
        return PairChecked(checks, None)
    return PairChecked(checks, reconcile(*accounts))


def _name_unfitting(checks: Iterable[BundleCheck], fingerprints: Sequence[str]) -> None:
    """Name each side that no fingerprint proves, where one was given that is of neither side.

    It is of a partner in the bundles: a witness, where both sides are proved; else it stands for
    a side and is not that one's, so that bundle is of another log than was meant.
    """
    known = [(check, check.roots) for check in checks if check.roots is not None]
    spare = set(fingerprints).difference(*(roots.of_owner for _, roots in known))
    for check, roots in known:
        if spare and check.owner not in roots.pinned:
            detail = f"none of the fingerprints given is that of {check.owner}, whose log it is"
            check.findings.add("root-unproved", detail)


def _glance(lines: Iterable[bytes]) -> _Glance:
    """Read what a bundle claims, as far as it can be read; verifying names what is wrong."""
    origin, named, words = "", set[tuple[str, int]](), set[str]()
    try:
        reader = BundleReader(lines)
        keys = (key for raw in reader.head.roots for key in read_claimed(raw).roots)
        words = {" ".join(fingerprint(key.record.public)) for key in keys}
        origin = parse_checkpoint(parse_note(reader.head.checkpoint).text).origin
        for piece in reader.pieces():
            if piece.kind == "leaf" and _MARK in piece.data:
                leaf = decode_leaf(piece.data)
                if isinstance(leaf, Received) and leaf.receipt is not None:
                    named.add((leaf.receipt.origin, leaf.receipt.size))
    except (LogMaterialError, RootRefused):
        pass
    return _Glance(origin.partition("/")[0], origin, frozenset(named), frozenset(words))


def _account(of: _Glance, other: _Glance) -> Account:
    return Account(of.owner, of.origin, other.owner)


def _check(
    lines: Iterable[bytes], fingerprints: Sequence[str], account: Account, other: _Glance
) -> BundleCheck:
    wanted = {size for origin, size in other.named if origin == account.origin}
    check = BundleCheck(lines, fingerprints, each=account.enter, wanted=wanted)
    if check.head is not None:
        account.end(check.head.index, check.head.export)
    if check.tree is not None:
        account.roots = check.tree.roots
    return check
