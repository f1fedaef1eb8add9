"""What every map between two embedding spaces is, whichever way it was fitted.

The rule of this file: whoever applies, chooses, measures or stores maps knows them by this and by
nothing else. A map knows where it leads from and to; the way back is another map.
"""

from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

Kind = Literal["identity", "mean", "procrustes", "ridge", "shrunk", "mixture"]
"""How a map was fitted."""

KINDS: tuple[Kind, ...] = get_args(Kind)
"""All kinds, simpler ones first: of two that find as much, the earlier one is the better one."""

Floats = NDArray[np.float32]


class Map(Protocol):
    """A map from one embedding space into another.

    `source` and `target` are space ids. `unit`: results are brought to length 1, as the target's
    envelope demands.
    """

    @property
    def kind(self) -> Kind:
        """How it was fitted."""

    @property
    def source(self) -> str:
        """Space id of what goes in."""

    @property
    def target(self) -> str:
        """Space id of what comes out."""

    @property
    def unit(self) -> bool:
        """Whether results have length 1."""

    @property
    def d_in(self) -> int:
        """Width of the source space."""

    @property
    def d_out(self) -> int:
        """Width of the target space."""

    def apply(self, vectors: Floats) -> Floats:
        """Map (n, d_in) float32 vectors; returns (n, d_out) float32 and leaves them as they were.

        A vector that is mapped onto zero comes out as zero: it is near to nothing.

        Raises:
            WrongDimension: the vectors are not (n, d_in).
        """


Chain = tuple[Map, ...]
"""Maps applied one after the other; none at all leaves vectors as they are."""
