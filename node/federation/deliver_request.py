"""Bringing a pairing request to the inviter's node, and reading what it says.

The rule of this file: the answer is unsigned, so it is believed only as far as it costs nothing: a
request that "was received" becomes a partnership by the words alone, and one that was refused can
be repeated with another invitation.
"""

from typing import cast, get_args

from pydantic import ValidationError

from node.federation.client import Client, ConnectionBroke, DeadlinePassed
from node.federation.errors import PairingFailed
from node.federation.transport import Transport
from protocol.accept_answer import RawAnswer
from protocol.invitation import PairingRefused, Reason
from protocol.limits import MAX_PROBLEM_BYTES
from protocol.pairing import PAIRING_MEDIA_TYPE, PAIRING_PATH
from protocol.problems import Problem
from protocol.strict_json import StrictJsonError, parse

DEADLINE_S = 15.0
ATTEMPTS = 3
"""The same request again is answered as the first time, so a broken connection costs nothing."""

_HEADERS = [("Content-Type", PAIRING_MEDIA_TYPE), ("Accept", PAIRING_MEDIA_TYPE)]


async def deliver(client: Client, url: str, transport: Transport, raw: bytes) -> None:
    """Send a request to the node at `url`; returns when it was received.

    Raises TransportError; PairingRefused with the reason that the node gives; PairingFailed.
    """
    answer = await _post(client, url + PAIRING_PATH, transport, raw)
    if answer.status == 202:
        return
    try:
        problem = Problem.model_validate(parse(answer.body, MAX_PROBLEM_BYTES, 2))
    except (StrictJsonError, ValidationError):
        raise PairingFailed(f"{url} answered with status {answer.status}.") from None
    said = f"The inviter's node refuses: {problem.title}."
    if problem.code not in get_args(Reason):
        raise PairingFailed(said)
    detail = f" {problem.detail}" if problem.detail else ""
    raise PairingRefused(cast(Reason, problem.code), said + detail)


async def _post(client: Client, url: str, transport: Transport, raw: bytes) -> RawAnswer:
    for left in reversed(range(ATTEMPTS)):
        try:
            return await client.exchange(
                url,
                transport,
                "POST",
                _HEADERS,
                raw,
                deadline_s=DEADLINE_S,
                max_bytes=MAX_PROBLEM_BYTES,
            )
        except (ConnectionBroke, DeadlinePassed):
            if left == 0:
                raise
    raise AssertionError("the last attempt returns or raises")
