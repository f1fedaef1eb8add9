"""One model in an evaluation: its anchors, and how it sees the data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from node.spaces.maps import comparable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from node.spaces.embedding_file import AnchorEmbeddings


@dataclass(frozen=True, eq=False)
class Member:
    """A model with its anchors and its view of the data set: documents, questions (n, d) float32.

    A row of zeros is a text of which the model makes nothing; it finds nothing, and is not found.
    """

    name: str
    anchors: AnchorEmbeddings
    documents: NDArray[np.float32]
    questions: NDArray[np.float32]

    @property
    def searched(self) -> NDArray[np.float32]:
        """The documents such that dot products rank them as the space's similarity does."""
        return comparable(self.documents, self.anchors.envelope)
