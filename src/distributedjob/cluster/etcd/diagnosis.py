"""Why no member of etcd could be talked to: is it away, or is a setting wrong?

gRPC tells both alike. A look at the connection itself tells them apart, and names the setting.
"""

import socket
import ssl
from contextlib import suppress

from distributedjob.cluster.etcd.address import EtcdAddress, Tls
from distributedjob.model.endpoint import split_endpoint
from distributedjob.model.errors import Invalid

SECONDS = 1.0
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How every HTTP/2 client begins: the preface, and empty settings."""

SETTINGS = 4
EXPIRED = 10
OTHER_NAME = (62, 64)
"""OpenSSL's numbers of what is wrong with a certificate."""


def find_fault(address: EtcdAddress) -> Invalid | None:
    """The first setting that is found to be wrong; None when members are merely away. Blocks for a few seconds."""
    for endpoint in address.endpoints:
        with suppress(OSError):
            fault = _look(endpoint, address.tls)
            if fault is not None:
                return fault
    return None


def _look(endpoint: str, tls: Tls | None) -> Invalid | None:
    if tls is None:
        if _speaks_tls(endpoint):
            return Invalid.one("etcd_ca", f"{endpoint} speaks TLS; set it to the CA of etcd's certificates")
        return None
    try:
        with _connect(endpoint) as plain, _wrap(plain, tls.context(), endpoint) as connection:
            return _look_inside(connection, endpoint)
    except ssl.SSLCertVerificationError as error:
        return _judge(error, endpoint)
    except (ssl.SSLError, ConnectionError) as error:
        if _speaks_plain(endpoint):
            return Invalid.one("etcd_ca", f"{endpoint} speaks no TLS; unset it, or turn TLS on in etcd")
        return _certificate_wanted(endpoint) if "ALERT" in str(getattr(error, "reason", "")) else None


def _look_inside(connection: ssl.SSLSocket, endpoint: str) -> Invalid | None:
    """With TLS 1.3 a server that misses the client's certificate says so after the handshake."""
    connection.sendall(HELLO)
    try:
        connection.recv(1)
    except TimeoutError:
        return None
    except (ssl.SSLError, ConnectionError):
        return _certificate_wanted(endpoint)
    return None


def _certificate_wanted(endpoint: str) -> Invalid:
    return Invalid.one(
        "etcd_certificate", f"{endpoint} wants a client's certificate that it trusts; set it and etcd_key"
    )


def _judge(error: ssl.SSLCertVerificationError, endpoint: str) -> Invalid | None:
    if error.verify_code == EXPIRED:
        return None  # no setting mends it, and the node can do without
    if error.verify_code in OTHER_NAME:
        host, _ = split_endpoint(endpoint)
        return Invalid.one("etcd_endpoints", f"the certificate of {endpoint} is not for '{host}'")
    return Invalid.one("etcd_ca", f"the certificate of {endpoint} is not signed by this CA")


def _speaks_tls(endpoint: str) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with _connect(endpoint) as plain, _wrap(plain, context, endpoint):
            return True
    except ssl.SSLError as error:
        return "ALERT" in str(error.reason)


def _speaks_plain(endpoint: str) -> bool:
    with _connect(endpoint) as connection:
        connection.sendall(HELLO)
        frame = connection.recv(9)
        return len(frame) == len(b"123456789") and frame[3] == SETTINGS


def _connect(endpoint: str) -> socket.socket:
    return socket.create_connection(split_endpoint(endpoint), timeout=SECONDS)


def _wrap(plain: socket.socket, context: ssl.SSLContext, endpoint: str) -> ssl.SSLSocket:
    return context.wrap_socket(plain, server_hostname=split_endpoint(endpoint)[0])
