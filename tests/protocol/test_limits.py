"""The limits fit each other: what one of them allows is not forbidden by another by accident."""

import numpy as np

from protocol import limits
from protocol.messages import Answer, Hit, Query
from protocol.vectors import encode
from tests.protocol.exchange import ENVELOPE, answer, answered, question, signed


def test_the_largest_answer_fits() -> None:
    per_vector = limits.MAX_RESULTS // limits.MAX_BATCH
    hits = [Hit(ref=f"{n:032}", bin=-20) for n in range(per_vector)]
    payload = answer(results=[hits] * limits.MAX_BATCH).encode()
    rest = limits.MAX_LEAF_LINE_CHARS + limits.MAX_PROOF_BYTES + 2
    assert len(payload) + rest <= limits.MAX_ANSWER_BYTES
    assert len(Answer.parse(payload).results) == limits.MAX_BATCH


def test_a_full_batch_of_usual_vectors_fits() -> None:
    rows = np.full((limits.MAX_BATCH, 1536), 1536**-0.5, dtype=np.float32)
    wide = ENVELOPE.model_copy(update={"dimension": 1536})
    body = question(
        vectors=encode(rows), envelope=wide, space=wide.space_id, k=limits.MAX_RESULTS // 256
    ).encode()
    assert len(body) <= limits.MAX_QUERY_BYTES
    assert Query.parse(body).vectors.n == limits.MAX_BATCH


def test_the_longest_vector_fits() -> None:
    row = np.full((1, limits.MAX_DIMENSION), limits.MAX_DIMENSION**-0.5, dtype=np.float32)
    assert len(question(vectors=encode(row)).encode()) <= limits.MAX_QUERY_BYTES


def test_the_profiles_own_fields_fit() -> None:
    raw = answered(signed(), answer())
    fields = [*raw.headers, *((n.encode(), v.encode()) for n, v in signed().headers)]
    assert max(len(value) for _, value in fields) <= limits.MAX_HEADER_BYTES
    assert sum(len(n) + len(v) for n, v in fields) <= limits.MAX_HEADERS_BYTES


def test_the_leaf_line_is_that_of_the_largest_leaf() -> None:
    assert limits.MAX_LEAF_LINE_CHARS == 4 * -(-limits.MAX_LEAF_BYTES // 3)


def test_a_nonce_is_remembered_as_long_as_its_request_can_be_fresh() -> None:
    latest_created = limits.CLOCK_SKEW_S
    latest_expiry = latest_created + limits.SIGNATURE_LIFETIME_S
    assert latest_expiry + limits.CLOCK_SKEW_S == limits.NONCE_MEMORY_S
