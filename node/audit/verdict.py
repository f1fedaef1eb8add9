"""What an audit ends in, and how a log's or bundle's leaves count as witnessed.

    WITNESSED     others cosigned: for each exchange, enough organisations that are no party of it
    SELF-SIGNED   all agrees, and nobody but the parties has signed what would show otherwise
    DIVERGED      the log's key signed two trees that contradict each other
    INVALID       something else is wrong

Rule of this file: without an anchor that the auditor was given (a witness's key, or the root key of
its organisation) nothing is better than SELF-SIGNED; whoever hands a file out can put any keys in.
"""

from collections.abc import Iterable
from typing import Literal

from node.audit.findings import Findings
from protocol.leaf import AnyLeaf
from protocol.witness_policy import Witnessed

Verdict = Literal["WITNESSED", "SELF-SIGNED", "DIVERGED", "INVALID"]


class Parties:
    """The organisations with which a log's owner exchanged something; none of them is a witness."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def look(self, leaf: AnyLeaf) -> None:
        """Note the partner of an exchange; other leaves are the owner's alone."""
        if leaf.peer is not None and getattr(leaf, "query", None) is not None:
            self.names.add(leaf.peer)

    def suffice(self, witnessed: Witnessed, owner: str | None) -> bool:
        """Whether a tree is witnessed for every exchange in it."""
        others = witnessed.without(owner)
        return others.enough and all(others.without(name).enough for name in self.names)


def verdict_of(findings: Findings, *, witnessed: bool) -> Verdict:
    """Return the verdict; `witnessed`: whether everything is, by those that were given."""
    if not findings:
        return "WITNESSED" if witnessed else "SELF-SIGNED"
    kinds = {one.kind for one in findings.listed}
    return "DIVERGED" if kinds == {"log-forked"} else "INVALID"


def why_not(by: Iterable[str], needed: int, parties: Iterable[str]) -> str:
    """Say why something that agrees is not witnessed."""
    cosigned, involved = sorted(by), set(parties)
    outside = [name for name in cosigned if name not in involved]
    if not cosigned:
        return "nobody whose key was given has cosigned it"
    if not outside:
        return f"only parties of the exchanges have cosigned it: {', '.join(cosigned)}"
    return (
        f"for every exchange {needed} organisations other than its two parties are needed; it was "
        f"cosigned by {', '.join(cosigned)}"
    )
