"""Budgets: reserved, then settled or given back; exact at every interleaving."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from node.federation.budgets import MAX_BUCKETS, QueryBudgets, RateTokens

PEER, DOCS = "lab.example", "docs"


class Log:
    """The counter of the audit log, kept by these tests as the log's transaction would."""

    def __init__(self) -> None:
        self.queries: Counter[tuple[str, str, int]] = Counter()

    def spent(self, peer: str, collection: str, day: int) -> int:
        return self.queries[peer, collection, day]


def test_reservations_count_before_they_are_settled() -> None:
    budgets = QueryBudgets(Log().spent)
    assert budgets.reserve(PEER, DOCS, 1, 3, limit=4)
    assert not budgets.reserve(PEER, DOCS, 1, 2, limit=4)
    assert budgets.left(PEER, DOCS, 1, 4) == 1


def test_what_the_log_holds_counts_after_a_restart() -> None:
    log = Log()
    log.queries[PEER, DOCS, 1] = 99
    budgets = QueryBudgets(log.spent)
    assert budgets.reserve(PEER, DOCS, 1, 1, limit=100)
    assert not budgets.reserve(PEER, DOCS, 1, 1, limit=100)


def test_another_day_collection_or_peer_has_its_own_budget() -> None:
    budgets = QueryBudgets(Log().spent)
    assert budgets.reserve(PEER, DOCS, 1, 4, limit=4)
    assert budgets.reserve(PEER, DOCS, 2, 4, limit=4)
    assert budgets.reserve(PEER, "other", 1, 4, limit=4)
    assert budgets.reserve("other.example", DOCS, 1, 4, limit=4)


@given(st.lists(st.sampled_from(["reserve", "settle", "release", "lose"]), max_size=200))
def test_settled_and_reserved_together_never_pass_the_limit(steps: list[str]) -> None:
    log, limit = Log(), 10
    budgets, held = QueryBudgets(log.spent), 0
    for step in steps:
        if step == "reserve":
            could = held + log.queries[PEER, DOCS, 1] < limit
            assert budgets.reserve(PEER, DOCS, 1, 1, limit) == could
            held += could
        elif step == "lose":  # a failed commit: the counters are read again
            budgets.reload()
        elif held:
            held -= 1
            if step == "settle":
                log.queries[PEER, DOCS, 1] += 1  # the commit, before memory is told of it
                budgets.settle(PEER, DOCS, 1, 1)
            else:
                budgets.release(PEER, DOCS, 1, 1)
        assert held + log.queries[PEER, DOCS, 1] <= limit


def test_a_minutes_worth_of_tokens_is_there_at_once_and_refills() -> None:
    tokens = RateTokens()
    assert all(tokens.take(PEER, 1, 60, 0.0) for _ in range(60))
    assert not tokens.take(PEER, 1, 60, 0.0)
    assert not tokens.take(PEER, 1, 60, 0.5)
    assert tokens.take(PEER, 1, 60, 1.0)


def test_a_batch_takes_its_number_and_a_refused_one_takes_nothing() -> None:
    tokens = RateTokens()
    assert tokens.take(PEER, 50, 60, 0.0)
    assert not tokens.take(PEER, 11, 60, 0.0)
    assert tokens.take(PEER, 10, 60, 0.0)


def test_one_peer_does_not_use_up_anothers_tokens() -> None:
    tokens = RateTokens()
    assert tokens.take(PEER, 60, 60, 0.0)
    assert tokens.take("other.example", 60, 60, 0.0)


def test_strangers_from_very_many_networks_do_not_fill_the_memory() -> None:
    tokens = RateTokens()
    for network in range(MAX_BUCKETS + 100):
        assert tokens.take(f"bank.example/interlingua {network}", 60, 60, 0.0)
        assert not tokens.take("bank.example/interlingua 0", 60, 60, 0.0)
    assert len(tokens._filled) == MAX_BUCKETS
