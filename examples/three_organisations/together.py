"""Doing one step for all organisations at once, as three administrators would.

The rule of this file: what each says is shown together and in the organisations' order, and an
interruption ends the commands under way before it goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from examples.three_organisations.commands import abandon
from examples.three_organisations.exchange import NeverCame
from examples.three_organisations.member import Member
from examples.three_organisations.terminal import Terminal

Output = TypeVar("Output")


def each(
    members: dict[str, Member], act: Callable[[Member], Output], terminal: Terminal
) -> dict[str, Output]:
    """Let all members do the same; returns what each got, by name.

    Raises what the first of them raised, after all have ended; waiting in vain for another comes
    last.
    """

    def one(member: Member) -> tuple[list[str], Output | None, Exception | None]:
        with terminal.held() as lines:
            try:
                return lines, act(member), None
            except Exception as error:
                member.exchange.give_up()
                return lines, None, error

    outputs: dict[str, Output] = {}
    errors: list[Exception] = []
    with ThreadPoolExecutor(len(members)) as pool:
        try:
            for name, (lines, output, error) in zip(
                members, pool.map(one, members.values()), strict=True
            ):
                terminal.say("\n".join(lines))
                if error is None:
                    outputs[name] = output  # type: ignore[assignment]  # None only with an error
                else:
                    errors.append(error)
        except BaseException:
            abandon()
            for member in members.values():
                member.exchange.give_up()
            raise
    if errors:
        raise next((error for error in errors if not isinstance(error, NeverCame)), errors[0])
    return outputs
