"""Signed requests: start line and header fields, as a stranger may send them."""

import dataclasses

import orjson

from protocol.accept_query import RawRequest, accept
from protocol.problems import Refused
from tests.fuzz.choices import Choices
from tests.fuzz.long import main
from tests.fuzz.mutate import changed_bytes
from tests.fuzz.target import Target
from tests.protocol.exchange import AT, RECEIVER, received, signed, signed_held, signed_offers


def written(request: RawRequest) -> bytes:
    """A request as one string: latin-1, as it stands in the header fields."""
    fields = dataclasses.asdict(request) | {
        "headers": [(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.headers],
        "body": request.body.decode("latin-1"),
    }
    return orjson.dumps(fields)


def read(raw: bytes) -> None:
    """Accept what `written` wrote; any other bytes are the value of every header field."""
    request = received(signed())
    try:
        fields = orjson.loads(raw)
        headers = tuple((n.encode("latin-1"), v.encode("latin-1")) for n, v in fields["headers"])
        texts = {name: str(fields[name]) for name in ("method", "authority", "path", "query")}
        request = RawRequest(headers=headers, body=fields["body"].encode("latin-1"), **texts)
    except (ValueError, TypeError, KeyError, AttributeError):
        headers = tuple((name, raw) for name, _ in request.headers)
        request = dataclasses.replace(request, headers=headers)
    accept(request, RECEIVER, AT)


def valid() -> list[bytes]:
    """A question, a request for offers and one for what is held."""
    return [written(received(one)) for one in (signed(), signed_offers(), signed_held())]


def nearly(choices: Choices) -> bytes:
    """A request with one field changed, dropped, doubled or renamed."""
    request = orjson.loads(choices.pick(valid()))
    headers = request["headers"]
    for _ in range(1 + choices.below(2)):
        at = choices.below(len(headers))
        name, text = headers[at]
        other = changed_bytes(text.encode("latin-1"), choices, 2).decode("latin-1")
        renamed = changed_bytes(name.encode("latin-1"), choices, 1).decode("latin-1")
        step = choices.below(4)
        headers[at : at + 1] = (
            [[name, other]], [], [[name, text], [name, other]], [[renamed, text]],
        )[step]  # fmt: skip
    if choices.below(4) == 0:
        part = choices.pick(("method", "authority", "path", "query", "body"))
        request[part] = changed_bytes(request[part].encode("latin-1"), choices, 1).decode("latin-1")
    return orjson.dumps(request)


TARGET = Target(
    "request",
    "a request is accepted, or Refused",
    read,
    (Refused,),
    valid,
    nearly,
)

if __name__ == "__main__":
    main(TARGET)
