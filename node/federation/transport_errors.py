"""What can go wrong while a partner is asked: the transport's fault, and never data.

TransportError
  +- DeadlinePassed      nothing complete within the caller's deadline
  +- Unreachable         no connection could be made
  |    +- ConnectionBroke it was made and broke before the answer was whole
  |    +- ProxyFailed   the proxy made no connection
  |    +- TlsFailed     the partner's certificate does not verify, or TLS is not spoken there
  +- AddressNotAllowed   the address policy or the plaintext rule forbids this connection
  +- ClientKeySealed     the own certificate's key cannot be used
  +- AnswerTooLarge      more bytes than an answer may have
"""

from typing import Literal

TransportKind = Literal["unreachable", "timeout", "address-refused", "oversized"]


class TransportError(Exception):
    """The partner could not be asked; `kind` is the word that a status line shows."""

    kind: TransportKind = "unreachable"
    failure = "unavailable"
    code = "peer-transport"
    fix = "Check the partner's address, and ask its admin whether its node runs."


class DeadlinePassed(TransportError):
    """The caller's deadline passed before the answer was whole."""

    kind: TransportKind = "timeout"
    code = "peer-timeout"
    fix = "Try again later, or ask the partner's admin whether its node is overloaded."


class Unreachable(TransportError):
    """No connection could be made."""

    code = "peer-unreachable"
    fix = "Check the address, the certificate and the network, and that the partner's node runs."


class ConnectionBroke(Unreachable):
    """A connection broke before the answer was whole; the question may or may not have arrived."""


class TlsFailed(Unreachable):
    """No TLS connection came about: a certificate, a name, an authority, or no TLS at all."""

    code = "peer-tls"
    fix = (
        "Compare the certificate with the partner's admin: name, validity, authority. A private "
        "authority is named when pairing (--ca), or in partners.ca_file for all."
    )


class ProxyFailed(Unreachable):
    """The proxy is not there, or made no connection; whether the partner is there is not known."""

    code = "proxy-failed"
    fix = "Check HTTPS_PROXY and what that proxy permits; NO_PROXY names hosts reached without it."


class AddressNotAllowed(TransportError):
    """The connection was refused on this side; the message says who may allow it and how."""

    kind: TransportKind = "address-refused"
    code = "address-refused"
    fix = "Only an admin can allow it: `interlingua peer --help` names the options."


class ClientKeySealed(TransportError):
    """The key of the certificate that is shown to partners is sealed with a password."""

    code = "client-key-sealed"
    fix = "Give partners.client_key a file without a password, mode 0600."


class AnswerTooLarge(TransportError):
    """The partner sent more than an answer may have."""

    kind: TransportKind = "oversized"
    code = "answer-too-large"
    fix = "Ask for fewer records at once, and tell the partner's admin."
