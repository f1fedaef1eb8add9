"""A partner with a valid key that does not keep to the profile: it signs whatever it is told to.

Written on the generic builder, not on protocol/sign.py, so that messages out of profile carry
signatures that are right in themselves.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace

from keys.signer import Signer
from protocol.accept_answer import RawAnswer
from protocol.accept_query import RawRequest
from protocol.sign import SignedRequest
from protocol.signature_base import signature_base, signature_params
from tests.protocol.exchange import CLINIC_SIGN, HOSPITAL_SIGN

Parameters = dict[str, int | str]


def header(message: RawRequest | RawAnswer, name: str) -> str:
    """Return the first value of a header field."""
    return next(v for n, v in message.headers if n.lower() == name.lower().encode()).decode()


def with_header(
    headers: Sequence[tuple[bytes, bytes]], name: str, value: str | bytes
) -> list[tuple[bytes, bytes]]:
    """Return header fields in which `name` has another value."""
    raw = value if isinstance(value, bytes) else value.encode()
    low = name.lower().encode()
    return [(n, raw if n.lower() == low else v) for n, v in headers]


def parameters_of(signature_input: str) -> Parameters:
    """Return the parameters of a Signature-Input in the profile's form."""
    found: Parameters = {}
    for part in signature_input.rpartition(")")[2].split(";")[1:]:
        name, _, value = part.partition("=")
        found[name] = value[1:-1] if value.startswith('"') else int(value)
    return found


def resign_request(
    raw: RawRequest,
    parameters: Parameters | None = None,
    identifiers: Sequence[str] | None = None,
    label: str = "q",
    signer: Signer = CLINIC_SIGN,
) -> RawRequest:
    """Sign a request anew: with these parameters over these components, under this label."""
    signature_input = header(raw, "signature-input")
    covered = signature_input.partition("(")[2].partition(")")[0].split(" ")
    names = list(identifiers) if identifiers is not None else covered
    derived = {
        '"@method"': raw.method,
        '"@authority"': raw.authority,
        '"@path"': raw.path,
        '"@query"': f"?{raw.query}",
    }
    values = [derived.get(n) or header(raw, n.strip('"')) for n in names]
    params = signature_params(names, (parameters or parameters_of(signature_input)).items())
    signature = signer.sign(signature_base(names, values, params))
    headers = with_header(list(raw.headers), "signature-input", f"{label}={params}")
    spelled = f"{label}=:{base64.b64encode(signature).decode()}:"
    return replace(raw, headers=with_header(headers, "signature", spelled))


def resign_answer(
    answer: RawAnswer,
    request: SignedRequest,
    parameters: Parameters | None = None,
    identifiers: Sequence[str] | None = None,
    label: str = "a",
    signer: Signer = HOSPITAL_SIGN,
) -> RawAnswer:
    """Sign an answer anew, bound to `request` as far as `identifiers` do it."""
    signature_input = header(answer, "signature-input")
    covered = signature_input.partition("(")[2].partition(")")[0].split(" ")
    names = list(identifiers) if identifiers is not None else covered
    of_request = {
        '"@method";req': request.method,
        '"@authority";req': request.authority,
        '"@path";req': request.path,
        '"@query";req': "?",
        '"content-digest";req': request.binding.content_digest,
        '"interlingua-from";req': request.binding.from_,
        '"interlingua-to";req': request.binding.to,
        '"signature-input";req;key="q"': request.binding.params,
        '"signature";req;key="q"': request.binding.signature,
        '"@status"': str(answer.status),
    }
    values = [of_request.get(n) or header(answer, n.strip('"')) for n in names]
    params = signature_params(names, (parameters or parameters_of(signature_input)).items())
    signature = signer.sign(signature_base(names, values, params))
    headers = with_header(list(answer.headers), "signature-input", f"{label}={params}")
    spelled = f"{label}=:{base64.b64encode(signature).decode()}:"
    return replace(answer, headers=with_header(headers, "signature", spelled))
