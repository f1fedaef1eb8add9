"""What a fuzz target is: valid input, a reader, and the one sentence that must hold.

The rule of this file: for any bytes the reader accepts, or raises one of the errors that the target
names, and never another. A crash is anything else, running out of stack or memory included.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz.choices import Choices
from tests.fuzz.mutate import TOKENS, changed_bytes


@dataclass(frozen=True)
class Target:
    """A reader of bytes from outside.

    `valid` are bytes that it accepts; `errors` all that it may raise. `nearly` makes input that is
    right outside and wrong inside, where a target knows how (signed again, digests made to match).
    """

    name: str
    sentence: str
    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    valid: Callable[[], list[bytes]]
    nearly: Callable[[Choices], bytes] | None = None

    def input(self, raw: bytes) -> bytes:
        """Return the input that these bytes decide upon: any bytes, or something nearly valid."""
        choices = Choices(raw)
        kind = choices.below(8)
        if kind >= 3 and self.nearly is not None:
            return self.nearly(choices)
        if kind >= 1:
            return changed_bytes(choices.pick(self.valid()), choices)
        rest = b""
        while not choices.over:
            rest += choices.pick((choices.pick(TOKENS), choices.taken(3)))
        return rest

    def try_out(self, raw: bytes) -> bool:
        """Read the input that `raw` decides upon; True where it was accepted."""
        given = self.input(raw)
        try:
            self.read(given)
        except self.errors:
            return False
        return True
