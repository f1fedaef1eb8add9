"""What a run of leaves says, once nothing in it is wrong: for `audit verify`, on any core.

Rule of this file: it judges what can be judged of leaves alone, without those before them: form,
signature, and whether the request is for what the leaf says. What is wrong is not named here; it
is found again where leaves are looked at one by one (node/audit/leaf_checks.py). Leaves without a
request, and acknowledgements, are passed on: what they mean depends on the log before.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import starmap

from keys.signer import verify
from node.audit.request_check import Bound, differences
from protocol.evidence import Evidence
from protocol.leaf import Acknowledged, AnyLeaf, MalformedLeaf, Sent, decode_leaf
from protocol.leaf_form import Alike, LeafForm, learn
from protocol.limits import CLOCK_SKEW_S

_EVIDENCE = b'"evidence":'  # without it a leaf carries no request
MAX_FORMS = 32
"""Forms that are tried; a leaf of another one is read the long way."""

_Sum = tuple[int, int, int]  # at, charged, exposed


@dataclass
class Judged:
    """What the leaves of a run say together.

    ``signatures``: of the requests, 64 bytes each; ``bound``: with which key whose
    requests are signed; ``answers``: (index, peer, answer) of what waits to be acknowledged;
    ``debits``: leaves, charged and exposed of each (type, peer, collection); ``others``: index and
    bytes of leaves that are still to be looked at, except for their requests.
    """

    signatures: list[bytes] = field(default_factory=list)
    bound: dict[tuple[str | None, str], Bound] = field(default_factory=dict)
    answers: list[tuple[int, str, str]] = field(default_factory=list)
    debits: dict[tuple[str, str, str], tuple[int, int, int]] = field(default_factory=dict)
    others: list[tuple[int, bytes]] = field(default_factory=list)


class Judge:
    """Judges runs of one log; it learns the forms of its leaves meanwhile."""

    def __init__(self, own: str | None) -> None:
        """``own``: the organisation whose log it is; ``None`` leaves its name unchecked."""
        self._own = own
        self._forms: list[LeafForm] = []

    def __call__(self, first: int, leaves: list[bytes]) -> Judged | None:
        """Return what the leaves from index ``first`` on say, None if anything is wrong."""
        found = Judged()
        read: list[tuple[int, LeafForm, Alike]] = []
        for index, raw in enumerate(leaves, first):
            if _EVIDENCE not in raw:
                found.others.append((index, raw))
                continue
            known = self._read(raw)
            if known is not None:
                read.append((index, *known))
            elif not self._judge(found, index, raw):
                return None
        # one after the other: what a signature takes stays in the processor's caches
        if not all(starmap(verify, [said.signed for _, _, said in read])):
            return None
        alike: defaultdict[LeafForm, list[_Sum]] = defaultdict(list)
        for index, form, said in read:
            if not _agrees(said):
                return None
            found.signatures.append(said.signed[1])
            alike[form].append((said.at, said.charged, said.exposed))
            if said.answer is not None and form.like.type in ("answered", "repeated"):
                found.answers.append((index, form.like.peer or "", f"sha256:{said.answer}"))
        for form, some in alike.items():
            _sum_up(found, form, some, self._own)
        return found

    def _read(self, raw: bytes) -> tuple[LeafForm, Alike] | None:
        for form in self._forms:
            said = form.read(raw)
            if said is not None:
                return form, said
        return None

    def _judge(self, found: Judged, index: int, raw: bytes) -> bool:
        """Judge a leaf the long way, and learn its form."""
        try:
            leaf = decode_leaf(raw)
            evidence: Evidence | None = getattr(leaf, "evidence", None)
            if evidence is not None:
                kid: str = leaf.key  # type: ignore[union-attr]  # every leaf with evidence has one
                signed = evidence.signed_by(kid)
                if not verify(*signed) or differences(leaf, self._own):
                    return False
                found.signatures.append(signed[1])
                _bind(found, _signer(leaf, self._own), kid, Bound(1, leaf.at, leaf.at))
        except MalformedLeaf:
            return False
        found.others.append((index, raw))
        form = None if isinstance(leaf, Acknowledged) else learn(raw, leaf)
        if form is not None:
            self._forms = [form, *self._forms][:MAX_FORMS]
        return True


def _sum_up(found: Judged, form: LeafForm, alike: list[_Sum], own: str | None) -> None:
    """Say of the key, and of partner and collection, what leaves of one form add up to."""
    leaf = form.like
    times, charges, exposures = zip(*alike, strict=True)
    bound = Bound(len(alike), min(times), max(times))
    _bind(found, _signer(leaf, own), form.kid, bound)
    scope = (leaf.type, leaf.peer or "", getattr(leaf, "collection", None) or "")
    leaves, charged, exposed = found.debits.get(scope, (0, 0, 0))
    found.debits[scope] = (
        leaves + len(alike),
        charged + sum(charges),
        exposed + sum(exposures),
    )


def _bind(found: Judged, signer: str | None, kid: str, more: Bound) -> None:
    before = found.bound.get((signer, kid))
    found.bound[signer, kid] = before.and_also(more) if before is not None else more


def _signer(leaf: AnyLeaf, own: str | None) -> str | None:
    return own if isinstance(leaf, Sent) else leaf.peer


def _agrees(said: Alike) -> bool:
    """Whether the request is for what the leaf says; names are those of the form's first leaf."""
    return said.for_body and said.created <= said.at + CLOCK_SKEW_S
