"""Replay: a nonce once, an idempotency key for one body at a time."""

import pytest

from node.federation.replay import InFlight, Nonces, NoncesFull

PEER = "lab.example"


def test_a_nonce_is_new_once() -> None:
    nonces = Nonces()
    assert nonces.record(PEER, "n", until=100, at=10)
    assert not nonces.record(PEER, "n", until=100, at=11)
    assert not nonces.record(PEER, "n", until=100, at=100)


def test_the_same_nonce_of_another_peer_is_another_nonce() -> None:
    nonces = Nonces()
    assert nonces.record(PEER, "n", until=100, at=10)
    assert nonces.record("other.example", "n", until=100, at=10)


def test_nonces_of_the_log_count_after_a_restart() -> None:
    nonces = Nonces()
    nonces.load([(PEER, "n", 100)])
    assert not nonces.record(PEER, "n", until=100, at=50)


def test_a_full_memory_refuses_and_evicts_nothing_that_lives() -> None:
    nonces = Nonces(capacity=2)
    assert nonces.record(PEER, "a", until=100, at=0)
    assert nonces.record(PEER, "b", until=50, at=0)
    with pytest.raises(NoncesFull):
        nonces.record(PEER, "c", until=100, at=50)
    assert nonces.record(PEER, "c", until=151, at=51)  # b has died
    assert not nonces.record(PEER, "a", until=151, at=51)


def test_a_key_under_way_tells_a_retry_to_wait_and_another_body_no() -> None:
    flight = InFlight()
    assert flight.enter(PEER, "k", "sha256:a") == "entered"
    assert flight.enter(PEER, "k", "sha256:a") == "under way"
    assert flight.enter(PEER, "k", "sha256:b") == "other body"
    assert flight.enter("other.example", "k", "sha256:b") == "entered"
    flight.leave(PEER, "k")
    assert flight.enter(PEER, "k", "sha256:b") == "entered"
