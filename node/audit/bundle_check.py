"""`audit verify BUNDLE`: what a bundle proves, with nothing but the file and what an auditor knows.

Rule of this file: no data directory, no database, no network. The steps, in their order:

1. form: the first lines are those of a bundle.
2. root documents: those that the export leaf names, each following from the one before, and from
   the root key whose fingerprint was given.
3. checkpoint: signed by a key of the log that may sign its size, and by no other one in its name.
4. leaves: each of its type and place, as the filter says; each signed request is for what its leaf
   says (node/audit/request_check.py), each acknowledgement what it says that it confirms,
   each receipt proves what was received, and so does the cosigned proof that followed it.
5. tree: leaves and hashes lead to the signed root; so nothing of the part is missing.
6. other checkpoints of the log, seen elsewhere: they sign the same tree.
7. witnesses: whose keys were given, or are named by root documents that a given fingerprint proves,
   and who cosigned the checkpoint; for each exchange in clear its two parties count for nothing.
   A key that was given counts only as far as the root documents here let it (ADR 0056).

`WITNESSED` where enough have for every exchange in clear, `SELF-SIGNED` where not. `DIVERGED` where
the log's key signed two trees that contradict each other, `INVALID` where anything else is wrong.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from node.audit.acknowledgement_check import AcknowledgementCheck
from node.audit.bundle_receipts import BundleReceipts
from node.audit.bundle_roots import BundleRoots
from node.audit.findings import Findings, Kind
from node.audit.request_check import RequestCheck
from node.audit.verdict import Parties, Verdict, verdict_of
from protocol.bundle import BundleReader, Head, roots_digest
from protocol.bundle_tree import BundleTree
from protocol.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from protocol.leaf import AnyLeaf
from protocol.log_errors import BundleRefused, LogMaterialError, MalformedLeaf
from protocol.log_keys import LogKeys
from protocol.notation import is_organisation
from protocol.note import is_key_name, parse_note
from protocol.witness_policy import NOBODY, Witnessed, WitnessPolicy

AtLeaf = Callable[[int, AnyLeaf, bytes], None]


class BundleCheck:
    """One bundle, checked when it is made; attributes that were not reached stay None or 0.

    ``seen``: checkpoints of the log from elsewhere (signed notes); ``compared`` counts those of
    which the root could be compared, ``not_compared`` says why the others could not. ``leaves``
    counts the leaves in clear by type. ``witnessed`` says who cosigned, ``parties`` with whom the
    exchanges in clear were; ``withdrawn`` are witness keys that were given and that root documents
    here revoke.
    """

    def __init__(
        self,
        lines: Iterable[bytes],
        fingerprints: Sequence[str] = (),
        seen: Sequence[bytes] = (),
        each: AtLeaf | None = None,
        wanted: Iterable[int] = (),
        policy: WitnessPolicy = NOBODY,
    ) -> None:
        """``each`` gets every leaf of the part in clear; ``wanted``: sizes whose roots to keep.

        ``policy``: the witnesses whose keys were given, and how many organisations are needed.
        """
        self.findings = Findings()
        self.head: Head | None = None
        self.checkpoint: Checkpoint | None = None
        self.roots: BundleRoots | None = None
        self.tree: BundleTree | None = None
        self.requests: RequestCheck | None = None
        self.receipts: BundleReceipts | None = None
        self.leaves: Counter[str] = Counter()
        self.compared = 0
        self.not_compared: list[str] = []
        self.parties = Parties()
        self.witnessed = Witnessed({}, policy.needed)
        self.withdrawn: list[str] = []
        self._policy = policy
        self._seen, self._each, self._wanted = seen, each, frozenset(wanted)
        try:
            self._check(BundleReader(lines), fingerprints)
        except (BundleRefused, MalformedLeaf) as error:
            self.findings.add(_kind_of(error), str(error))

    @property
    def verdict(self) -> Verdict:
        """What can be said of the log, as far as the bundle shows it."""
        enough = self.parties.suffice(self.witnessed, self.owner)
        return verdict_of(self.findings, witnessed=enough)

    @property
    def owner(self) -> str | None:
        """The organisation whose log it is, as the log's name says."""
        return self.checkpoint.origin.partition("/")[0] if self.checkpoint else None

    def _check(self, reader: BundleReader, fingerprints: Sequence[str]) -> None:
        self.head = head = reader.head  # step 1
        claimed = self._claimed(head.checkpoint)
        if claimed is None:
            return
        self.checkpoint = claimed
        owner = claimed.origin.partition("/")[0]
        if roots_digest(head.roots) != head.export.roots:  # step 2
            detail = "the root documents are not those that the export leaf names"
            self.findings.add("roots-differ", detail)
        self.roots = roots = BundleRoots(head.roots, owner, fingerprints, self.findings)
        self._check_checkpoint(head.checkpoint, roots.log_keys(claimed.origin))  # step 3
        seen = self._read_seen(claimed.origin, roots)
        acknowledgements = AcknowledgementCheck(self.findings, whole=False)
        self.requests = RequestCheck(owner, roots.ring_of, self.findings)
        self.tree = tree = BundleTree(reader, claimed.size, self._wanted | {s.size for s in seen})
        policy = self._policy_under(roots)
        self.receipts = receipts = BundleReceipts(roots, self.findings, owner, policy)
        for index, leaf, piece in tree.leaves():  # step 4
            self.leaves[leaf.type] += 1
            self.requests.look(index, leaf)
            acknowledgements.look(index, leaf)
            receipts.look(index, leaf, piece.receipt, piece.witnessed)
            self.parties.look(leaf)
            if self._each is not None and index != head.index:
                self._each(index, leaf, piece.data)
        self.requests.end()
        if tree.root != claimed.root:  # step 5
            detail = "the leaves and hashes do not lead to the root that was signed"
            self.findings.add("checkpoint-differs", detail)
            return
        for other in seen:  # step 6
            self._compare(other, claimed, tree)
        self._look_for_witnesses(head.checkpoint, policy)  # step 7

    def _claimed(self, raw: bytes) -> Checkpoint | None:
        """Return what the checkpoint says, unverified; None where it cannot be of any log."""
        try:
            claimed = parse_checkpoint(parse_note(raw).text)
        except LogMaterialError as error:
            self.findings.add("checkpoint-invalid", str(error))
            return None
        if is_key_name(claimed.origin) and is_organisation(claimed.origin.partition("/")[0]):
            return claimed
        self.findings.add("checkpoint-invalid", "its first line is no name of a log")
        return None

    def _check_checkpoint(self, raw: bytes, keys: LogKeys) -> None:
        try:
            open_checkpoint(raw, keys.origin, keys)
        except LogMaterialError as error:
            self.findings.add("checkpoint-invalid", str(error))
            return
        known = {(key.name, key.key_id) for key in keys.ranges}
        own = (line for line in parse_note(raw).signatures if line.name == keys.origin)
        if any((line.name, line.key_id) not in known for line in own):
            detail = "a signature is by a key that is none of the log's"
            self.findings.add("checkpoint-invalid", detail)

    def _policy_under(self, roots: BundleRoots) -> WitnessPolicy:
        """Return who counts: keys that were given, as documents state them, and pinned ones."""
        given = []
        for told in self._policy.witnesses:
            stated = roots.as_stated(told)
            if stated is None:
                self.withdrawn.append(str(told.key))
            else:
                given.append(stated)
        return WitnessPolicy(self._policy.needed, (*given, *roots.witnesses()))

    def _look_for_witnesses(self, raw: bytes, policy: WitnessPolicy) -> None:
        try:
            judged = policy.judge(raw, self.owner)
        except LogMaterialError as error:
            self.findings.add("cosigned-invalid", str(error))
            return
        self.witnessed = judged

    def _read_seen(self, origin: str, roots: BundleRoots) -> list[Checkpoint]:
        """Read the checkpoints from elsewhere; one that the log's key did not sign says nothing."""
        found = []
        for raw in self._seen:
            try:
                found.append(open_checkpoint(raw, origin, roots.log_keys(origin)))
            except LogMaterialError as error:
                self.not_compared.append(f"a checkpoint that proves nothing: {error}")
        return found

    def _compare(self, other: Checkpoint, own: Checkpoint, tree: BundleTree) -> None:
        derived = tree.roots.get(other.size)
        if derived is None:
            where = "the bundle is older" if other.size > own.size else "it lies outside the part"
            self.not_compared.append(f"the checkpoint of {other.size} leaves: {where}")
            return
        self.compared += 1
        if derived != other.root:
            detail = f"the log's key signed another tree of its first {other.size} leaves"
            self.findings.add("log-forked", detail)


def _kind_of(error: LogMaterialError) -> Kind:
    """The finding for what ended the reading."""
    return "leaf-malformed" if isinstance(error, MalformedLeaf) else cast("Kind", error.reason)
