"""The tables of the data rooms, as forward migrations.

collections ── versions ── chunks (vectors)
     │             └── switches (what became of versions, and whether it is logged)
     │                courses (how questions are being moved to a version)
     ├── bridges (maps between the spaces of its versions)
     └── documents ─────────┘   └ label_sets

yardsticks ── chunk_scalars (of chunks)

A document belongs to a collection and outlives versions; a chunk is one vector of one document in
one version, so that a version never mixes spaces. A version names the encoder that made it, also
after that was removed. `documents.key` and `chunks.key` are
AUTOINCREMENT: never used twice, and growing in the order of commits, which lets an index catch up
from the last key it knows. `collections.sequence` counts every change to documents or chunks.
A document's text stands in its row, or is read from its `uri`, which gave bytes of the SHA-256
`source`. Deleting a document deletes its chunks (and with them its vectors) in the same
transaction.
"""

MIGRATIONS = (
    """
    CREATE TABLE store_identity (id TEXT NOT NULL) STRICT;
    INSERT INTO store_identity VALUES (lower(hex(randomblob(16))));

    CREATE TABLE encoders (
        name TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        settings TEXT NOT NULL,
        envelope TEXT NOT NULL,
        added_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE collections (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        description TEXT NOT NULL,
        language TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        sequence INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    CREATE TABLE versions (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
        encoder TEXT NOT NULL REFERENCES encoders,
        envelope TEXT NOT NULL,
        space_id TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('building', 'active', 'retired')),
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX one_active_version ON versions (collection) WHERE state = 'active';

    CREATE TABLE label_sets (
        key INTEGER PRIMARY KEY,
        labels TEXT NOT NULL UNIQUE
    ) STRICT;

    CREATE TABLE documents (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
        external_id TEXT NOT NULL,
        text TEXT,
        uri TEXT,
        metadata TEXT NOT NULL,
        label_set INTEGER NOT NULL REFERENCES label_sets,
        digest BLOB NOT NULL,
        sequence INTEGER NOT NULL,
        added_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        UNIQUE (collection, external_id)
    ) STRICT;

    CREATE TABLE chunks (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL REFERENCES versions ON DELETE CASCADE,
        document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
        ordinal INTEGER NOT NULL,
        start INTEGER NOT NULL,
        stop INTEGER NOT NULL,
        vector BLOB NOT NULL,
        UNIQUE (version, document, ordinal)
    ) STRICT;
    CREATE INDEX chunks_of_document ON chunks (document);
    """,
    """
    CREATE TABLE yardsticks (
        key INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE
    ) STRICT;

    CREATE TABLE chunk_scalars (
        chunk INTEGER NOT NULL REFERENCES chunks ON DELETE CASCADE,
        yardstick INTEGER NOT NULL REFERENCES yardsticks,
        length REAL NOT NULL,
        hubness REAL NOT NULL,
        PRIMARY KEY (chunk, yardstick)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    DROP INDEX one_active_version;
    ALTER TABLE versions ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
    UPDATE versions SET made_by = encoder;
    ALTER TABLE versions DROP COLUMN encoder;
    ALTER TABLE versions RENAME COLUMN made_by TO encoder;
    ALTER TABLE versions ADD COLUMN standing TEXT NOT NULL DEFAULT 'serving'
        CHECK (standing IN ('building', 'shadow', 'serving', 'retired'));
    ALTER TABLE versions DROP COLUMN state;
    ALTER TABLE versions RENAME COLUMN standing TO state;
    ALTER TABLE versions ADD COLUMN rate INTEGER NOT NULL DEFAULT 0;
    CREATE UNIQUE INDEX one_serving_version ON versions (collection) WHERE state = 'serving';

    CREATE TABLE switches (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
        version INTEGER NOT NULL REFERENCES versions ON DELETE CASCADE,
        event TEXT NOT NULL,
        former INTEGER,
        forced TEXT,
        at INTEGER NOT NULL,
        by TEXT,
        logged INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    """,
    """
    CREATE TABLE golden_questions (
        key INTEGER PRIMARY KEY,
        collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
        question TEXT NOT NULL,
        judgments TEXT NOT NULL
    ) STRICT;
    CREATE TABLE measurements (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        version INTEGER NOT NULL REFERENCES versions ON DELETE CASCADE,
        at INTEGER NOT NULL,
        questions INTEGER NOT NULL,
        figures TEXT NOT NULL
    ) STRICT;
    """,
    """
    ALTER TABLE switches ADD COLUMN reason TEXT;
    CREATE TABLE canaries (
        version INTEGER NOT NULL REFERENCES versions ON DELETE CASCADE,
        question TEXT NOT NULL,
        reached REAL NOT NULL,
        PRIMARY KEY (version, question)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE bridges (
        collection INTEGER NOT NULL REFERENCES collections ON DELETE CASCADE,
        source TEXT NOT NULL,
        target TEXT NOT NULL,
        adapter TEXT NOT NULL,
        file BLOB NOT NULL,
        PRIMARY KEY (collection, source, target)
    ) STRICT;
    CREATE TABLE courses (
        collection INTEGER PRIMARY KEY REFERENCES collections ON DELETE CASCADE,
        strategy TEXT NOT NULL CHECK (strategy IN ('bridge', 'both', 'progressive')),
        version INTEGER NOT NULL REFERENCES versions ON DELETE CASCADE,
        encoder TEXT NOT NULL,
        share INTEGER NOT NULL,
        steps TEXT NOT NULL,
        every_s INTEGER NOT NULL,
        since INTEGER NOT NULL,
        salt BLOB NOT NULL
    ) STRICT;
    """,
    """
    ALTER TABLE documents ADD COLUMN source BLOB;
    ALTER TABLE encoders ADD COLUMN training_cutoff TEXT;
    ALTER TABLE encoders ADD COLUMN fine_tuning TEXT;
    ALTER TABLE versions ADD COLUMN training_cutoff TEXT;
    ALTER TABLE versions ADD COLUMN fine_tuning TEXT;
    """,
    """
    ALTER TABLE golden_questions ADD COLUMN answer TEXT;
    ALTER TABLE golden_questions ADD COLUMN asked TEXT NOT NULL DEFAULT '[]';
    """,
    """
    ALTER TABLE measurements ADD COLUMN by TEXT CHECK (by IN ('gate', 'watch'));
    """,
)
