"""Do the keys that a log states of itself agree with its leaves, and with what is known outside?

Rule of this file: each checkpoint is opened under the keys that the log states, as far as they are
known outside. Known are the keys of root documents with their terms; or one key that an auditor was
told, from which the log itself leads on to later ones: the key before signs the tree in which each
takes over. Keys before the told one need no more: its own checkpoints cover what they signed.
"""

import sqlite3
from contextlib import suppress

from keys.thumbprint import thumbprint
from node.audit import log_key_rows
from node.audit.errors import LogDamaged
from node.audit.findings import Findings
from node.audit.log_key_rows import TOOK_OVER
from protocol.leaf import MalformedLeaf, decode_leaf
from protocol.log_errors import LogMaterialError
from protocol.log_keys import LogKeys, SizeRange
from protocol.log_terms import LogTerm
from protocol.note import VerifierKey, open_note

KEY_MARK = TOOK_OVER.encode()
"""Only a leaf with these bytes in it can say that a key took over."""


class LogKeyCheck:
    """Judges the keys of one log; ``terms`` are those that it states, none if unreadable."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        origin: str,
        given: VerifierKey | LogKeys | None,
        findings: Findings,
    ) -> None:
        """``given``: what is known outside; ``None`` believes the log's own statement."""
        self._findings, self._origin = findings, origin
        self._rows = log_key_rows.rows(connection)
        self.terms = self._read(connection)
        self._told: list[tuple[int, str]] = []
        self._led: dict[int, VerifierKey] = {}
        self.keys = self._believed(given)

    def look(self, index: int, data: bytes) -> None:
        """Note whether a key took over with this leaf."""
        if KEY_MARK not in data:
            return
        try:
            leaf = decode_leaf(data)
        except MalformedLeaf:
            return  # `audit verify` names it
        self._told.extend(log_key_rows.told_by(self._origin, [(index, leaf)]))

    def at_checkpoint(self, size: int, note: bytes) -> None:
        """Look whether the key before signed the tree in which another one took over."""
        before = self._led.get(size)
        if before is None:
            return
        with suppress(LogMaterialError):
            open_note(note, [before])
            del self._led[size]

    def end(self) -> None:
        """Compare what the leaves said with what the log states, once all were seen.

        A checkpoint that is not there vouches for nobody: whoever forges a log leaves it out.
        """
        for size, before in self._led.items():
            self._findings.add(
                "log-key-unproved",
                f"the key that took over at {size} leaves is not vouched for by the one before, "
                f"{thumbprint(before.public)}; it takes the root document or the new key to tell",
            )
        stated = self._rows[1:]
        for size, key in sorted(set(stated) ^ set(self._told)):
            what = "has no leaf" if (size, key) in stated else "stands in a leaf only"
            detail = f"that a key took over at {size} leaves {what}: {key}"
            self._findings.add("log-keys-differ", detail, size - 1)

    def _read(self, connection: sqlite3.Connection) -> tuple[LogTerm, ...]:
        try:
            return log_key_rows.stated_terms(connection)
        except (LogDamaged, ValueError):  # ValueError: rows that were reordered
            return ()

    def _believed(self, given: VerifierKey | LogKeys | None) -> LogKeys | None:
        if not self.terms:
            return LogKeys.single(given) if isinstance(given, VerifierKey) else given
        stated = log_key_rows.keys_of(self.terms, self._origin)
        if given is None:
            return stated
        if isinstance(given, VerifierKey):
            return self._led_from(given, stated)
        return self._within(given, stated)

    def _led_from(self, told: VerifierKey, stated: LogKeys) -> LogKeys:
        if told not in stated.ranges:
            self._foreign(f"the log states the key {list(stated.ranges)[-1]}")
            return LogKeys.single(told)
        keys = [VerifierKey(self._origin, term.key) for term in self.terms]
        since = keys.index(told)
        self._led = {self.terms[n].from_size: keys[n - 1] for n in range(since + 1, len(keys))}
        return stated

    def _within(self, known: LogKeys, stated: LogKeys) -> LogKeys:
        both: dict[VerifierKey, SizeRange] = {}
        for key in known.took_over.difference(stated.ranges):
            self._foreign(
                f"the log does not state that key {thumbprint(key.public)} took over, and the root "
                "document does"
            )
        for key, told in stated.ranges.items():
            published = known.ranges.get(key)
            if published is None:
                self._foreign(f"no root document names the log key {thumbprint(key.public)}")
                continue
            both[key] = told
            bounded = published.last is not None
            if told.first < published.first or (bounded and told.last != published.last):
                self._foreign(
                    f"the log states that key {thumbprint(key.public)} signs {told}, and the root "
                    f"document that it signs {published}"
                )
        return LogKeys(self._origin, both) if both else known

    def _foreign(self, detail: str) -> None:
        self._findings.add("log-foreign", detail)
