"""Why a partner could not be connected to, in words for people.

aiohttp's own sentences are made for programmers (`ssl:default`, `Connect call failed`); what an
admin needs is which of four things to look at: the name, the port, the certificate, the network.
"""

import os
import ssl

import aiohttp

_OWN = "set partners.client_certificate and partners.client_key"


def why(error: Exception) -> str:
    """Return what went wrong with a connection; begins with a small letter, ends bare."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not accepted ({_certificate(error.certificate_error)})"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known here (DNS)"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _refused_by_proxy(error.status)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"the proxy cannot be reached ({error.os_error.strerror or 'no connection'})"
    found = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(found, ssl.SSLError) or "[SSL" in str(found):
        return _tls(found)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return f"it hung up before it answered; where it asks for certificates, {_OWN}"
    if isinstance(found, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    if isinstance(found, OSError) and found.errno and found.errno > 0:
        return os.strerror(found.errno).lower()
    return str(found) or type(found).__name__


def _refused_by_proxy(status: int) -> str:
    """Without the proxy's own words, which may repeat what it was sent."""
    if status == 407:
        return "the proxy wants a user name and a password, or others (status 407)"
    return f"the proxy made no connection (status {status})"


def _certificate(error: Exception) -> str:
    return str(getattr(error, "verify_message", "") or error)


def _tls(error: Exception) -> str:
    if "CERTIFICATE_REQUIRED" in str(error):
        return f"it asks for a certificate of this node: {_OWN}"
    reason = str(getattr(error, "reason", "") or error)
    return f"TLS failed ({reason.replace('_', ' ').lower()})"
