"""Whether the model behind an encoder is still the one that its space was named after.

The rule of this file: a model that was exchanged behind the same address makes vectors that lie
wherever they lie; nothing is stored or asked with them. Its probe sketch is measured before the
first use, again before what was measured grows old, and while the node serves every
`LOOK_EVERY_S`; beyond the tolerance the encoder refuses, with the distance, until the former model
is back.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from node.encoders.errors import EncoderChanged, EncoderFailed
from node.encoders.vectors import FloatArray
from protocol.envelope import Envelope
from protocol.notation import from_base64url
from protocol.probe import TOLERANCE, ProbeUnusable, distance, likeness, sketch

LOOK_EVERY_S = 600.0
"""Period of the checks while a node serves, and how old one may be that a question rests on."""

DOCUMENTS_S = 60.0
"""How old a check may be that stored vectors rest on: what is stored stays wrong."""

RECOVERY_S = 10.0
"""How long a refusal stands before the model is looked at again."""

_log = structlog.get_logger(__name__)


class LiveSketch:
    """The watch over one encoder's model; it has none where the envelope has no sketch."""

    def __init__(
        self,
        name: str,
        envelope: Envelope,
        probe: Callable[[], Awaitable[FloatArray]] | None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """`probe` gives the model's own vectors of the probe texts; None: there is no model."""
        self.apart: float | None = None
        self._name = name
        self._envelope = envelope
        self._probe = probe
        self._seconds = seconds
        self._looked_at: float | None = None
        self._looking = asyncio.Lock()
        self._vectors: FloatArray | None = None

    @property
    def changed(self) -> bool:
        """Whether the last look found another model."""
        return self.apart is not None and self.apart > TOLERANCE

    def trust(self) -> None:
        """Take the model for measured just now, as it was when its encoder was added."""
        self._looked_at = self._seconds()

    async def look(self) -> float | None:
        """Measure the sketch now: how far it lies from the envelope's, None where none is.

        Raises EncoderFailed where the model does not answer, or gives no sketch.
        """
        if self._envelope.probe is None or self._probe is None:
            return None
        was = self.changed
        self._vectors = await self._probe()
        self.apart = sketch_distance(self._envelope, self._vectors)
        self._looked_at = self._seconds()
        if self.changed is not was:
            _log.warning(
                "encoder.changed" if self.changed else "encoder.as before",
                encoder=self._name, apart=self.apart, tolerance=TOLERANCE,
            )  # fmt: skip
        return self.apart

    async def probe_vectors(self) -> FloatArray | None:
        """The model's own vectors of the probe texts, (24, d); None where there is no sketch.

        Raises as `look` does, where the model was not looked at before.
        """
        if self._vectors is None:
            await self.look()
        return self._vectors

    async def require(self, max_age_s: float) -> None:
        """Raise EncoderChanged unless the model was its envelope's at most so long ago."""
        if self._envelope.probe is None or self._probe is None:
            return
        async with self._looking:
            if self._age() > (RECOVERY_S if self.changed else max_age_s):
                await self.look()
        if self.changed and self.apart is not None:
            raise EncoderChanged(
                f"the model behind encoder {self._name!r} is not the one that its space was named "
                f"after: its probe sketch lies {self.apart:.4f} from the envelope's and {TOLERANCE}"
                f" is tolerated, {likeness(self.apart)}"
            )

    def _age(self) -> float:
        return float("inf") if self._looked_at is None else self._seconds() - self._looked_at


def sketch_distance(envelope: Envelope, vectors: FloatArray) -> float | None:
    """Return how far the probe vectors lie from the envelope's sketch, None where it has none.

    Raises EncoderFailed where they give no sketch.
    """
    if envelope.probe is None:
        return None
    try:
        return distance(from_base64url(envelope.probe), sketch(vectors))
    except ProbeUnusable as error:
        raise EncoderFailed(
            f"the model gives no usable probe sketch: {error}",
            fix=(
                "Use a model that gives different texts different vectors; look at its server's "
                "log."
            ),
        ) from None
