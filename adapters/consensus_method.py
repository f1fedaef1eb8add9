"""By which methods a consensus is made; what they do is in `adapters.consensus`.

The rule of this file: a name stands for the whole computation with its constants, since members
compute a consensus again by what its manifest says. Another constant is another method.
"""

from typing import Literal

Method = Literal["procrustes", "whitened"]

USUAL_METHOD: Method = "whitened"
"""The method of new spaces: it finds more between real models (docs/adr/0039)."""
