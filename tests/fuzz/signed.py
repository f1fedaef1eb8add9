"""Documents that are changed inside and signed again by the key that they need.

The rule of this file: a partner can sign whatever it likes, so what is behind a valid signature is
as foreign as any bytes.
"""

from collections.abc import Callable, Sequence

import orjson

from keys.signer import Signer
from protocol.dsse import read_envelope, sign
from tests.fuzz.choices import Choices
from tests.fuzz.mutate import changed_json, spelled


def resigned(
    payload_type: str, valid: Callable[[], list[bytes]], signers: Sequence[Signer]
) -> Callable[[Choices], bytes]:
    """Return how to make nearly valid envelopes of this type, signed by these."""

    def nearly(choices: Choices) -> bytes:
        payload = orjson.loads(read_envelope(choices.pick(valid()), payload_type).payload)
        changed = changed_json(payload, choices)
        return sign(spelled(changed, choices), payload_type, signers)

    return nearly
