"""Do acknowledgements in a log confirm what the log says, and in the partner's own words?

Rule of this file: the signed body stands in the leaf, so each index that the leaf says is confirmed
must be named in it, with the digest of the answer that was logged there, for that partner, once.
Of a part of a log only the answers in it are compared.
"""

from node.audit.findings import Findings
from protocol.acknowledgement import Acknowledgement
from protocol.canonical import digest
from protocol.leaf import Acknowledged, Answered, AnyLeaf, Repeated, Unacknowledged
from protocol.problems import Refused


class AcknowledgementCheck:
    """Sees every leaf once, in the order of the log.

    ``whole``: every leaf before is seen too, so an index that is not known names no answer.
    """

    def __init__(self, findings: Findings, *, whole: bool) -> None:
        self.confirmed = 0
        self._findings, self._whole = findings, whole
        self._waiting: dict[int, int] = {}  # 64 bits an answer: a million fit into memory
        self._ended: set[int] = set()

    @property
    def waiting(self) -> int:
        """How many answers nobody has confirmed, of those that were seen."""
        return len(self._waiting)

    def look(self, index: int, leaf: AnyLeaf) -> None:
        """Check one leaf; most are none of its business."""
        if isinstance(leaf, Answered | Repeated):
            self.wait(index, leaf.peer, leaf.answer)
        elif isinstance(leaf, Acknowledged):
            problem = self._problem(leaf)
            if problem is not None:
                self._findings.add("acknowledgement-invalid", problem, index)
        elif isinstance(leaf, Unacknowledged):
            unknown = [each for each in leaf.unconfirmed if not self._may_wait(each)]
            if unknown:
                detail = f"no answer waits at leaf {unknown[0]}"
                self._findings.add("acknowledgement-invalid", detail, index)

    def wait(self, index: int, peer: str, answer: str) -> None:
        """Let the answer of a leaf wait to be acknowledged by ``peer``."""
        self._waiting[index] = hash((peer, answer))

    def _may_wait(self, leaf: int) -> bool:
        return leaf in self._waiting or (not self._whole and leaf not in self._ended)

    def _problem(self, leaf: Acknowledged) -> str | None:
        body = leaf.message.encode()
        if digest(body) != leaf.query:
            return "the message is not the one that was signed"
        try:
            told = {one.leaf: one.answer for one in Acknowledgement.parse(body).answers}
        except Refused as refused:
            return f"the message is none: {refused.local_detail}"
        for each in leaf.confirmed:
            if each not in told:
                return f"the partner does not confirm leaf {each}"
            found = self._waiting.pop(each, None)
            wanted = hash((leaf.peer, told[each]))
            if found != wanted and (found is not None or self._whole or each in self._ended):
                return f"the partner's answer is not the one of leaf {each}, or was confirmed"
            self._ended.add(each)
            self.confirmed += 1
        return None
