"""Questions that are under way together take each step together.

The rule of this file: whoever waits in step lets all others come as far before it goes on. A
processor forgets what a step needs (code, keys, projections) while it does the others, so sixteen
questions that take one step each after the other cost less than sixteen that take all steps each;
and what they hand over to threads at the end of a step comes together (docs/adr/0075). A question
that is alone waits for nobody.
"""

from collections.abc import Callable, Generator


class InStep:
    """To be awaited between two steps; `several` tells whether there is anybody to wait for."""

    __slots__ = ("_several",)

    def __init__(self, several: Callable[[], bool]) -> None:
        self._several = several

    def __await__(self) -> Generator[None, None, None]:
        """Let the event loop run everybody else once, as `asyncio.sleep(0)` does."""
        if self._several():
            yield
