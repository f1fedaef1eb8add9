"""Every limit of the wire protocol, with its unit.

The rule of this file: a number that another implementation must know stands here and nowhere else,
and docs/protocol.md lists it (a test compares the two). Sizes are bytes (`_BYTES`) or characters
(`_CHARS`), times whole seconds (`_S`), scores thousandths (`_MILLI`); the rest are counts.
"""

MAX_QUERY_BYTES = 4 * 1024 * 1024
"""Body of one request (bytes)."""

MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Body of one answer: payload line, leaf and proof (bytes)."""

MAX_PROBLEM_BYTES = 16 * 1024
"""Body of a problem that comes without a receipt (bytes)."""

MAX_LEAF_BYTES = 65_535
"""One leaf (bytes): C2SP tlog-tiles prefixes each entry with a 16-bit length."""

MAX_LEAF_LINE_CHARS = 4 * -(-MAX_LEAF_BYTES // 3)
"""The leaf line of an answer: the base64 of the largest leaf (characters)."""

MAX_NOTE_BYTES = 64 * 1024
"""A signed note, so a checkpoint with all its cosignatures (bytes)."""

MAX_NOTE_SIGNATURES = 64
"""Signature lines of one note; C2SP signed-note asks for at least 16."""

MAX_CHECKPOINT_TEXT_BYTES = 2048
"""A checkpoint without its signatures: origin, size, root, and extension lines (ignored)."""

MAX_PROOF_HASHES = 64
"""Hashes of one Merkle proof; a tree of 2^63 leaves has proofs of 63."""

MAX_PROOF_BYTES = MAX_NOTE_BYTES + 16 * 1024
"""A tlog-proof: checkpoint, hashes and extra line (bytes)."""

MAX_ADD_CHECKPOINT_HASHES = 63
"""Hashes of the consistency proof that goes to a witness (C2SP tlog-witness)."""

MAX_ADD_CHECKPOINT_BYTES = 32 * 1024
"""A request to a witness: a proof, and a checkpoint with some signatures."""

MAX_COSIGNATURES_BYTES = 16 * 1024
"""What a witness answers: signature lines. One of ML-DSA-44, which is ignored, has 3.3 kB."""

MAX_PROOFS = 64
"""Leaves of which one request asks for proofs."""

MAX_TREE_SIZE = 2**53 - 1
"""Leaves of one log; an index is a safe JSON integer too."""

MAX_JSON_DEPTH = 16
"""Nesting of lists and objects in a message; the message itself is level 1."""

MAX_QUERY_ITEMS = 4096
"""JSON values in one query (its vectors are one string)."""

MAX_ANSWER_ITEMS = 300_000
"""JSON values in one answer's payload line."""

MAX_BATCH = 256
"""Vectors in one query."""

MAX_DIMENSION = 8192
"""Components of one vector. The body's size binds first for large batches of long vectors."""

MAX_K = 1000
"""Documents asked for, per vector."""

MAX_FILTER_FIELDS = 8
"""Fields of one filter on metadata."""

MAX_FILTERABLE = 32
"""Fields of metadata that one grant lets questions filter by."""

MAX_FILTER_VALUES = 64
"""Values that one condition of a filter allows."""

MAX_FILTER_CHARS = 256
"""Characters of one value of a filter."""

MAX_RESULTS = 65_536
"""Documents asked for in one query: vectors times k."""

MAX_OFFERS = 1024
"""Collections in one list of offers."""

MAX_PURPOSES = 64
"""Purposes of one offer."""

MAX_SPACES = 64
"""Spaces that one offer accepts."""

MAX_FIGURES = 32
"""Measured figures in one route report."""

MAX_ACKNOWLEDGED = 128
"""Answers in one acknowledgement."""

MAX_ACK_BYTES = 32 * 1024
"""Body of one acknowledgement (bytes): it stands in a leaf."""

MAX_ACKS_PER_MINUTE = 60
"""Acknowledgements that are read from one partner in one minute."""

MAX_UNACKNOWLEDGED = 4096
"""Answers that one `unacknowledged` leaf names."""

ACKNOWLEDGE_S = 24 * 3600
"""How long an asker tries to acknowledge an answer, and a responder waits for it (seconds)."""

MAX_HELD_NOTE_CHARS = 4096
"""A checkpoint that is kept of a partner's log (characters); signatures beyond it, of keys that are
not known, are left out."""

MAX_REFERENCE_CHARS = 64
"""One record's reference (characters)."""

MAX_DESCRIPTION_CHARS = 4096
"""An offer's description (characters)."""

MAX_PROBLEM_ITEMS = 64
"""JSON values in one problem."""

MAX_TITLE_CHARS = 128
"""The title of a problem (characters)."""

MAX_DETAIL_CHARS = 512
"""The detail of a problem (characters)."""

MAX_URL_CHARS = 2048
"""A request URL (characters)."""

MAX_HEADERS = 64
"""Header fields of one message, covered or not."""

MAX_HEADERS_BYTES = 16 * 1024
"""All header names and values of one message together (bytes)."""

MAX_HEADER_BYTES = 2048
"""The value of one header that the profile reads (bytes)."""

CLOCK_SKEW_S = 30
"""How far two clocks may lie apart (seconds)."""

SIGNATURE_LIFETIME_S = 60
"""Longest time from created to expires (seconds)."""

NONCE_BYTES = 16
"""A nonce's random bytes; 22 characters of base64url."""

SALT_BYTES = 16
"""A salt's random bytes; 22 characters of base64url."""

IDEMPOTENCY_S = 24 * 3600
"""How long an idempotency key stays bound to its body (seconds)."""

NONCE_MEMORY_S = SIGNATURE_LIFETIME_S + 2 * CLOCK_SKEW_S
"""Longest time for which a nonce must be remembered (seconds): a request that is dated ahead by the
skew is fresh until its expiry plus the skew."""

ROOT_LIFETIME_S = 90 * 24 * 3600
"""Longest validity of a root document (seconds)."""

CARD_LIFETIME_S = 24 * 3600
"""Longest validity of a card (seconds)."""

MAX_ENVELOPE_DEPTH = 4
"""Nesting of lists and objects in a DSSE envelope; its payload is a string."""

MAX_ENVELOPE_ITEMS = 64
"""JSON values in a DSSE envelope."""

MAX_EVIDENCE_COMPONENTS = 16
"""Covered components that a leaf's evidence holds."""

MAX_EVIDENCE_CHARS = 4096
"""One header value or component value in a leaf's evidence (characters)."""

MAX_DOCUMENT_BYTES = 512 * 1024
"""A root document or card with its envelope (bytes)."""

MAX_ANNOUNCED_ROOTS = 32
"""Successive root documents in one announcement."""

MAX_ANNOUNCEMENT_BYTES = 2 * 1024 * 1024
"""Body of one announcement (bytes)."""

MAX_ANNOUNCEMENT_DEPTH = 3
"""Nesting of lists and objects in an announcement; the documents in it are strings."""

MAX_ANNOUNCEMENTS_PER_MINUTE = 60
"""Announcements that are read from one address in one minute."""

MAX_PAIRING_BYTES = 512 * 1024
"""A pairing request, or an invitation as a file: two documents and what belongs to them (bytes)."""

MAX_PAIRING_DEPTH = 1
"""Nesting in an invitation and in the frame of a pairing request."""

MAX_PAIRING_ITEMS = 16
"""JSON values in an invitation and in the frame of a pairing request."""

MAX_INVITATION_CHARS = 1024
"""An invitation as one line of text (characters)."""

INVITATION_LIFETIME_S = 30 * 24 * 3600
"""Longest time for which an invitation is good (seconds)."""

MAX_LOG_READS_PER_MINUTE = 600
"""Checkpoints and tiles that one partner is given in one minute."""

MAX_PAIRINGS_PER_MINUTE = 30
"""Pairing requests that are read from one address in one minute."""

PAIRING_SCRYPT_N = 32_768
"""Cost N of the scrypt behind the six words: with r it takes 32 MiB."""

PAIRING_SCRYPT_R = 8
"""Block size r of the scrypt behind the six words."""

PAIRING_SCRYPT_P = 1
"""Parallelism p of the scrypt behind the six words."""

BIN_WIDTH_MILLI = 50
"""Finest width of a score bin (thousandths); a grant may set a multiple of it."""

MAX_BIN_WIDTH_MILLI = 2000
"""Coarsest width of a score bin (thousandths): the whole range of a cosine."""

MAX_DOCUMENT_DEPTH = 8
"""Nesting of lists and objects in a root document or card; the document itself is level 1."""

MAX_DOCUMENT_ITEMS = 20_000
"""JSON values in one root document or card."""

MAX_SIGNATURES = 16
"""Signatures on one document."""

MAX_ROOT_KEYS = MAX_SIGNATURES // 2
"""Root keys of one root document: when all change, both sets sign."""

MAX_KEYS = 64
"""Other keys of one root document."""

MAX_LOG_TERMS = 512
"""Terms of log keys in one root document: one for each key that ever signed one of its logs."""

MAX_REVOCATIONS = 512
"""Revocations in one root document."""

MAX_AUTHORITIES = 16
"""Authorities of one organisation."""

MAX_CARD_SPACES = 64
"""Envelopes on one card."""

MAX_CARD_ROUTES = 256
"""Routes on one card."""

LENGTH_TOLERANCE_MILLI = 1
"""How far the length of an l2-normalised vector may lie from 1 (thousandths)."""

MAX_LENGTH_EXPONENT = 6
"""The length of a vector without normalisation lies in 10^-6 to 10^6: far outside what models give,
far inside what float32 sums of squares and products survive."""
