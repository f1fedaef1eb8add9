"""Signature-Input and Signature, read in the one form that the profile knows.

    Signature-Input: q=("@method" "@authority" ...);created=1763724000;keyid="...";alg="ed25519"
        ;expires=1763724060;nonce="...";tag="interlingua-query-v1"        (one line)
    Signature: q=:<base64 of 64 bytes>:

The rule of this file: one regular expression says what is accepted; whatever it does not match is
refused, and only then is it asked why. What is accepted has one spelling for one meaning: no
spaces but those between components, numbers without leading zeros, base64 without stray bits.
"""

import base64
import re
from dataclasses import dataclass

from protocol.profile import ALGORITHM, PARAMETERS

_KID = r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
_NONCE = r"[A-Za-z0-9_-]{21}[AQgw]"
_SECONDS = r"0|[1-9][0-9]{0,14}"  # a Structured Fields integer has at most 15 digits
_INPUT = re.compile(
    rf'([a-z]+)=(\(([^()]*)\);created=({_SECONDS});keyid="({_KID})";alg="([^"]*)"'
    rf';expires=({_SECONDS});nonce="({_NONCE})";tag="([^"]*)")'
)
_SIGNATURE = re.compile(r"([a-z]+)=(:([A-Za-z0-9+/]{85}[AQgw]==):)")
_PARAMETER = re.compile(r';([a-z*][a-z0-9_.*-]*)(?:=("(?:[^"\\]|\\.)*"|[^;"]*))?')


class SignatureMalformed(ValueError):
    """The two fields are not one signature in the profile's form; the text says in what."""


@dataclass(frozen=True, slots=True)
class SignatureFields:
    """One signature: `params` is the value that is signed, `covered` what stands in its brackets.

    Times are epoch seconds; `signature` is 64 bytes, `member` its spelling between the colons,
    colons included.
    """

    params: str
    covered: str
    created: int
    expires: int
    kid: str
    nonce: str
    tag: str
    signature: bytes
    member: str


def parse_signature(signature_input: str, signature: str, label: str) -> SignatureFields:
    """Read both field values; SignatureMalformed for anything else than one signature `label`."""
    head = _INPUT.fullmatch(signature_input)
    if head is None or head[1] != label or head[6] != ALGORITHM:
        raise SignatureMalformed(_why(signature_input, label))
    value = _SIGNATURE.fullmatch(signature)
    if value is None or value[1] != label:
        raise SignatureMalformed(f"Signature is not one canonical Ed25519 signature named {label}")
    return SignatureFields(
        params=head[2],
        covered=head[3],
        created=int(head[4]),
        expires=int(head[7]),
        kid=head[5],
        nonce=head[8],
        tag=head[9],
        signature=base64.b64decode(value[3]),
        member=value[2],
    )


def _why(signature_input: str, label: str) -> str:
    """Say what is wrong with a Signature-Input that is known to be wrong."""
    name, equals, rest = signature_input.partition("=")
    if not equals or not rest.startswith("("):
        return "Signature-Input is not one labelled list of components"
    if name != label:
        return f"the signature is not named {label}"
    _, closed, tail = rest.partition(")")
    if not closed or "(" in tail:
        return "Signature-Input holds more than one signature, or none that is whole"
    found = list(_PARAMETER.finditer(tail))
    if "".join(match[0] for match in found) != tail:
        return "the signature's parameters are not in canonical form"
    names = [match[1] for match in found]
    if names != list(PARAMETERS):
        return f"the signature's parameters are not exactly {', '.join(PARAMETERS)}, in this order"
    if found[2][2] != f'"{ALGORITHM}"':
        return f"the signature's algorithm is not {ALGORITHM}"
    return "a parameter's value is not in canonical form"
