"""What answers change beside their leaves: appended as they come, then entered together.

Rule of this file: an effect is durable with its leaf, in ``recent_effects``, and visible at once
through the views of log.db (node/audit/schema_steps.py). A commit so writes a few pages, wherever
the nonces, records and marks stand that it is about; when some hundred answers have come together
they are entered into the ``earlier_`` tables, in the order of those tables.

One row holds what a batch changed, as JSON: ``nonces`` [peer, nonce, until], ``queries`` [peer,
collection, day, n], ``exposures`` [peer, collection, epoch, {document: n}], ``probes`` [day, peer,
collection, mark, sketch], the last two in hexadecimal digits.
"""

import sqlite3
from collections import Counter, defaultdict
from itertools import chain, repeat
from typing import Any

import orjson

from node.audit import many_rows, state_rows
from node.audit.entry import Effects
from node.audit.errors import LogDamaged
from node.audit.noted_ids import NotedIds

ENTER_BYTES = 256 * 1024
"""Recent effects that are entered: those of some 700 answers with ten records each."""

ENTER_S = 60
"""Or when the oldest are older than this (seconds); what has expired leaves no trace then."""

_ADD = "DO UPDATE SET n = n + excluded.n"


class BatchEffects:
    """What the entries of one batch change: the members of a row, as they stand there."""

    def __init__(self, said: str = "{}") -> None:
        kept: dict[str, Any] = orjson.loads(said)
        self.nonces: dict[tuple[str, str], int] = {
            (peer, nonce): until for peer, nonce, until in kept.get("nonces", ())
        }
        self.queries: list[tuple[str, str, int, int]] = kept.get("queries", [])
        self.exposures: list[tuple[str, str, int, dict[int, int]]] = [
            (peer, collection, epoch, {int(document): n for document, n in answers.items()})
            for peer, collection, epoch, answers in kept.get("exposures", ())
        ]
        self.probes: list[tuple[int, str, str, str, str]] = kept.get("probes", [])

    def add(self, effects: Effects) -> None:
        """Take the effects of one entry, whose nonce is new."""
        if effects.nonce:
            self.nonces[effects.nonce.peer, effects.nonce.nonce] = effects.nonce.until
        if effects.queries:
            q = effects.queries
            self.queries.append((q.peer, q.collection, q.day, q.n))
        if effects.exposures:
            e = effects.exposures
            self.exposures.append((e.peer, e.collection, e.epoch, dict(e.answers)))
        if effects.probes:
            p = effects.probes
            self.probes += [
                (p.day, p.peer, p.collection, mark.hex(), sketch.hex()) for mark, sketch in p.probes
            ]

    def said(self) -> bytes | None:
        """Return them as they are kept; None where nothing changes."""
        kept = {
            "nonces": [(*name, until) for name, until in self.nonces.items()],
            "queries": self.queries,
            "exposures": self.exposures,
            "probes": self.probes,
        }
        if not any(kept.values()):
            return None
        return orjson.dumps(kept, option=orjson.OPT_NON_STR_KEYS)


class EffectRows:
    """The recent effects of an open log, for its writer.

    It is as the file will be after the present transaction: make another one where that fails.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Raises LogDamaged for rows that were not written here."""
        self._connection = connection
        rows = connection.execute("SELECT at, said FROM recent_effects ORDER BY id").fetchall()
        try:
            self._recent = [BatchEffects(said) for _, said in rows]
        except (ValueError, TypeError, AttributeError) as error:
            raise LogDamaged(f"Recent effects in log.db cannot be read: {error}.") from error
        self._bytes = sum(len(said) for _, said in rows)
        self._since: int | None = min((at for at, _ in rows), default=None)
        self._entered = NotedIds(state_rows.entered_nonces(connection))
        self._nonces: dict[tuple[str, str], int] = {}
        for batch in self._recent:
            self._nonces.update(batch.nonces)

    def holds(self, peer_and_nonce: tuple[str, str], at: int) -> bool:
        """Whether a nonce that was not entered yet is live at ``at``."""
        return self._nonces.get(peer_and_nonce, at - 1) >= at

    def may_be_entered(self, peer: str, nonce: str) -> bool:
        """Whether the table of what is earlier may hold a nonce; False is certain."""
        return self._entered.may_hold(peer, nonce)

    def append(self, batch: BatchEffects, at: int) -> None:
        """Append what a batch changes."""
        said = batch.said()
        if said is None:
            return
        self._connection.execute(
            "INSERT INTO recent_effects (at, said) VALUES (?, ?)", (at, said.decode())
        )
        self._recent.append(batch)
        self._nonces.update(batch.nonces)
        self._bytes += len(said)
        self._since = at if self._since is None else self._since

    def enter_if_many(self, at: int) -> None:
        """Enter them where they are many, or old at ``at``."""
        since = self._since
        if since is not None and (self._bytes >= ENTER_BYTES or at - since >= ENTER_S):
            self.enter(at)

    def enter(self, at: int) -> None:
        """Enter all of them into the tables of what was earlier; expired nonces are let go."""
        nonces = sorted((*name, until) for name, until in self._nonces.items() if until >= at)
        many_rows.insert(self._connection, "OR REPLACE INTO earlier_nonces", nonces)
        for name in nonces:
            self._entered.note(*name, at)
        self._enter_queries()
        self._enter_exposures()
        probes = {row[:4]: row[4] for batch in self._recent for row in map(tuple, batch.probes)}
        many_rows.insert(
            self._connection,
            "OR IGNORE INTO earlier_probes",
            sorted((*name, sketch) for name, sketch in probes.items()),
        )
        self._connection.execute("DELETE FROM recent_effects")
        self._recent.clear()
        self._nonces.clear()
        self._since, self._bytes = None, 0

    def _enter_queries(self) -> None:
        sums: Counter[tuple[str, str, int]] = Counter()
        for batch in self._recent:
            for peer, collection, day, n in batch.queries:
                sums[peer, collection, day] += n
        many_rows.insert(
            self._connection,
            "INTO earlier_queries",
            [(*scope, n) for scope, n in sums.items()],
            f"ON CONFLICT (peer, collection, day) {_ADD}",
        )

    def _enter_exposures(self) -> None:
        sums: defaultdict[tuple[str, str, int], Counter[int]] = defaultdict(Counter)
        for batch in self._recent:
            for peer, collection, epoch, answers in batch.exposures:
                each = chain.from_iterable(map(repeat, answers, answers.values()))
                sums[peer, collection, epoch].update(each)  # one by one, but counted in C
        for scope, told in sums.items():
            at = self._scope(scope)
            documents = sorted(told)
            many_rows.insert(
                self._connection,
                "INTO earlier_exposures",
                list(zip(repeat(at), documents, map(told.__getitem__, documents), strict=False)),
                f"ON CONFLICT (scope, document) {_ADD}",
            )

    def _scope(self, scope: tuple[str, str, int]) -> int:
        for statement in (
            "INSERT OR IGNORE INTO scopes (peer, collection, epoch) VALUES (?, ?, ?)",
            "SELECT id FROM scopes WHERE peer = ? AND collection = ? AND epoch = ?",
        ):
            found = self._connection.execute(statement, scope).fetchone()
        return int(found[0])
