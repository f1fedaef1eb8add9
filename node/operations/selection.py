"""Operations on what is kept of silos' earlier answers, by which they are selected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from node.operations.registry import NoRequest, Progress, operation
from protocol.notation import CollectionName, Organisation

if TYPE_CHECKING:
    from node.node import Node


class SiloRemembered(BaseModel):
    """One silo: to how many questions it answered, which part of the list it gave, since when."""

    organisation: Organisation
    collection: CollectionName
    answers: int
    mean_share: float
    oldest: int


class SelectionShown(BaseModel):
    """What is kept of every silo, and how many silos a question asks where it says nothing."""

    select: int
    explore: float
    silos: tuple[SiloRemembered, ...]


class ForgetAnswers(BaseModel, extra="forbid"):
    """Whose answers to forget; None: everybody's."""

    organisation: Organisation | None = None


class AnswersForgotten(BaseModel):
    """From how many questions answers were forgotten.

    `waits` says why some of it is left in a file; the node goes on by itself.
    """

    organisation: Organisation | None
    questions: int
    waits: str | None = None


@operation("selection.show")
async def show(node: Node, request: NoRequest, progress: Progress) -> SelectionShown:
    """Show what is kept of silos' answers to own questions."""
    del request, progress
    return SelectionShown(
        select=node.settings.partners.select,
        explore=node.settings.partners.explore,
        silos=tuple(
            SiloRemembered.model_validate(each, from_attributes=True)
            for each in node.past_answers.remembered()
        ),
    )


@operation("selection.forget")
async def forget(node: Node, request: ForgetAnswers, progress: Progress) -> AnswersForgotten:
    """Forget what silos gave to own questions, and the questions' vectors."""
    from node.operations.audit_content import why_vectors_wait

    del progress
    questions = node.past_answers.forget(request.organisation)
    return AnswersForgotten(
        organisation=request.organisation, questions=questions, waits=why_vectors_wait(node)
    )
