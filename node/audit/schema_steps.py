"""The tables of log.db: how each version of the schema is made of the one before.

Rule of this file: a step that was released is never changed; steps are only ever added at the end.

``nodes`` holds every complete subtree's hash at ``protocol.merkle.position``; ``facts`` repeats
what a leaf says in a narrow table, so that filtering does not read a gigabyte of leaves (`fsck`
compares the two). Leaves, nodes, checkpoints and keys are only ever appended; triggers see to it.
What answers change beside them is appended too, to ``recent_effects``, and goes from there into the
``earlier_`` tables together (node/audit/effect_rows.py); views show both as one.
"""

_V1 = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE leaves (idx INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE facts (
    idx INTEGER PRIMARY KEY, at INTEGER NOT NULL, type TEXT NOT NULL, peer TEXT
) STRICT;
CREATE TABLE nodes (position INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
CREATE TABLE checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;
CREATE TABLE nonces (
    peer TEXT NOT NULL, nonce TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (peer, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_until ON nonces (until);
CREATE TABLE idempotency (
    peer TEXT NOT NULL, key TEXT NOT NULL, body_digest TEXT NOT NULL, payload BLOB NOT NULL,
    leaf_index INTEGER NOT NULL, until INTEGER NOT NULL, UNIQUE (peer, key)
) STRICT;
CREATE INDEX idempotency_by_until ON idempotency (until);
CREATE TABLE queries (
    peer TEXT NOT NULL, collection TEXT NOT NULL, day INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (peer, collection, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE exposures (
    peer TEXT NOT NULL, collection TEXT NOT NULL, epoch INTEGER NOT NULL,
    document INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (peer, collection, epoch, document)
) STRICT, WITHOUT ROWID;
CREATE TABLE kept_receipts (
    idx INTEGER PRIMARY KEY, peer TEXT NOT NULL, leaf BLOB NOT NULL, proof BLOB NOT NULL
) STRICT;
"""
_V2 = """
CREATE TABLE seen_checkpoints (
    origin TEXT PRIMARY KEY, peer TEXT NOT NULL, size INTEGER NOT NULL, note BLOB NOT NULL
) STRICT, WITHOUT ROWID;
"""
_V3 = """
CREATE TABLE probes (
    day INTEGER NOT NULL, peer TEXT NOT NULL, collection TEXT NOT NULL, mark BLOB NOT NULL,
    sketch BLOB NOT NULL, PRIMARY KEY (day, peer, collection, mark)
) STRICT, WITHOUT ROWID;
"""
_V4 = """
CREATE TABLE open_questions (
    peer TEXT NOT NULL, query TEXT NOT NULL, PRIMARY KEY (peer, query)
) STRICT, WITHOUT ROWID;
"""
_V5 = """
ALTER TABLE seen_checkpoints RENAME TO seen_before;
CREATE TABLE seen_checkpoints (
    peer TEXT NOT NULL, root TEXT NOT NULL, origin TEXT NOT NULL, size INTEGER NOT NULL,
    note BLOB NOT NULL, PRIMARY KEY (peer, root, origin)
) STRICT, WITHOUT ROWID;
INSERT INTO seen_checkpoints SELECT peer, root, origin, size, note FROM (
    SELECT s.*, (
        SELECT json_extract(CAST(l.data AS TEXT), '$.root') FROM facts f JOIN leaves l USING (idx)
        WHERE f.type = 'peer' AND f.peer = s.peer ORDER BY f.idx DESC LIMIT 1
    ) AS root FROM seen_before s
) WHERE root IS NOT NULL;
DROP TABLE seen_before;
"""
"""The pinned root key of what was seen before is that of the partner's newest `peer` leaf."""
_V6 = """
CREATE TABLE log_keys (from_size INTEGER PRIMARY KEY, verifier_key TEXT NOT NULL) STRICT;
INSERT INTO log_keys SELECT 0, value FROM meta WHERE name = 'verifier_key';
DELETE FROM meta WHERE name = 'verifier_key';
"""
"""Before, a log had one key for life."""
_V7 = """
CREATE TABLE unacknowledged (
    idx INTEGER PRIMARY KEY, peer TEXT NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL,
    noted INTEGER NOT NULL DEFAULT 0
) STRICT;
"""
"""Answers from before are waited for by nobody."""
_V8 = """
DROP TABLE idempotency;
CREATE TABLE idempotency (
    peer TEXT NOT NULL, key TEXT NOT NULL, body_digest TEXT NOT NULL, slot INTEGER NOT NULL,
    sealed BLOB NOT NULL, leaf_index INTEGER NOT NULL, until INTEGER NOT NULL, UNIQUE (peer, key)
) STRICT;
CREATE INDEX idempotency_by_until ON idempotency (until);
"""
"""Before, stored answers lay there in clear. They are dropped; they lived for a day."""
_V9 = """
CREATE TABLE cosigned_checkpoints (size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;
CREATE TABLE witnessed_receipts (idx INTEGER PRIMARY KEY, proof BLOB NOT NULL) STRICT;
"""
"""What witnesses signed comes after the leaf, and changes no tree."""


_V10 = """
CREATE TABLE recent_effects (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, said TEXT NOT NULL
) STRICT;

ALTER TABLE nonces RENAME TO earlier_nonces;
CREATE VIEW nonces AS SELECT peer, nonce, max(until) AS until FROM (
    SELECT peer, nonce, until FROM earlier_nonces
    UNION ALL
    SELECT json_extract(e.value, '$[0]'), json_extract(e.value, '$[1]'),
        json_extract(e.value, '$[2]')
    FROM recent_effects r, json_each(r.said, '$.nonces') e
) GROUP BY peer, nonce;

ALTER TABLE queries RENAME TO earlier_queries;
CREATE VIEW queries AS
SELECT peer, collection, day, n FROM earlier_queries
UNION ALL
SELECT json_extract(e.value, '$[0]'), json_extract(e.value, '$[1]'),
    json_extract(e.value, '$[2]'), json_extract(e.value, '$[3]')
FROM recent_effects r, json_each(r.said, '$.queries') e;

CREATE TABLE scopes (
    id INTEGER PRIMARY KEY, peer TEXT NOT NULL, collection TEXT NOT NULL, epoch INTEGER NOT NULL,
    UNIQUE (peer, collection, epoch)
) STRICT;
CREATE TABLE earlier_exposures (
    scope INTEGER NOT NULL, document INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (scope, document)
) STRICT, WITHOUT ROWID;
INSERT INTO scopes (peer, collection, epoch) SELECT DISTINCT peer, collection, epoch FROM exposures;
INSERT INTO earlier_exposures
    SELECT s.id, e.document, e.n FROM exposures e JOIN scopes s USING (peer, collection, epoch);
DROP TABLE exposures;
CREATE VIEW exposures AS
SELECT s.peer, s.collection, s.epoch, e.document, e.n
FROM scopes s JOIN earlier_exposures e ON e.scope = s.id
UNION ALL
SELECT json_extract(e.value, '$[0]'), json_extract(e.value, '$[1]'),
    json_extract(e.value, '$[2]'), CAST(d.key AS INTEGER), d.value
FROM recent_effects r, json_each(r.said, '$.exposures') e, json_each(e.value, '$[3]') d;

CREATE VIEW exposure_sums AS
SELECT s.peer, s.collection, s.epoch, e.n
FROM (SELECT scope, sum(n) AS n FROM earlier_exposures GROUP BY scope) e
JOIN scopes s ON s.id = e.scope
UNION ALL
SELECT json_extract(e.value, '$[0]'), json_extract(e.value, '$[1]'),
    json_extract(e.value, '$[2]'), (SELECT sum(value) FROM json_each(e.value, '$[3]'))
FROM recent_effects r, json_each(r.said, '$.exposures') e;

CREATE TABLE earlier_probes (
    day INTEGER NOT NULL, peer TEXT NOT NULL, collection TEXT NOT NULL, mark TEXT NOT NULL,
    sketch TEXT NOT NULL, PRIMARY KEY (day, peer, collection, mark)
) STRICT, WITHOUT ROWID;
INSERT INTO earlier_probes
    SELECT day, peer, collection, lower(hex(mark)), lower(hex(sketch)) FROM probes;
DROP TABLE probes;
CREATE VIEW probes AS SELECT day, peer, collection, mark, min(sketch) AS sketch FROM (
    SELECT day, peer, collection, mark, sketch FROM earlier_probes
    UNION ALL
    SELECT json_extract(e.value, '$[0]'), json_extract(e.value, '$[1]'),
        json_extract(e.value, '$[2]'), json_extract(e.value, '$[3]'),
        json_extract(e.value, '$[4]')
    FROM recent_effects r, json_each(r.said, '$.probes') e
) GROUP BY day, peer, collection, mark;
"""
"""Before, each answer changed rows of four tables, in pages all over the file. A view shows what a
table showed; a row of `queries` and `exposures` is added to the others of its name. `exposure_sums`
has them without the records, read in the order in which they lie."""

_V11 = """
DROP INDEX idempotency_by_until;
"""
"""Rows stand in the order in which they expire, or nearly (node/audit/state_rows.py)."""


def _append_only(*tables: str) -> str:
    return "".join(
        f"CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are only appended'); END;"
        for table in tables
        for verb in ("UPDATE", "DELETE")
    )


STEPS = (
    _V1 + _append_only("leaves", "nodes", "checkpoints"),
    _V2,
    _V3,
    _V4,
    _V5,
    _V6 + _append_only("log_keys"),
    _V7,
    _V8,
    _V9,
    _V10,
    _V11,
)
"""Each step makes the next version of the one before; steps are only ever added at the end."""
