"""A token may carry consent to being judged; what a question itself says comes first."""

import pytest

from node.federation.ask import AskRequest
from node.listeners.local_scope import narrowed
from node.operations.registry import NoRequest
from node.tokens import Token


def token(may_be_judged: bool) -> Token:
    return Token(
        name="desk", digest="", role="asker", purposes=("research",), peers=(), created=0,
        may_be_judged=may_be_judged,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("of_token", "said", "may"),
    [(False, None, None), (False, True, True), (True, None, True), (True, False, False)],
)
def test_a_question_may_be_judged_as_it_says_or_else_as_its_token_says(
    of_token: bool, said: bool | None, may: bool | None
) -> None:
    asked = AskRequest(texts=("what",), purpose="research", may_be_judged=said)
    assert narrowed(token(of_token), asked).may_be_judged is may


def test_what_is_no_question_has_no_consent() -> None:
    assert narrowed(token(True), NoRequest()) == NoRequest()
