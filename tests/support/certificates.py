"""Certificates for servers on loopback, made when a test asks: a CA, a server's certificate and a client's."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = datetime.timedelta(days=1)
_LOOPBACK = x509.SubjectAlternativeName(
    [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """PEM files. `server_pair` and `client_pair` hold key and certificate in one file."""

    ca: Path
    server: Path
    server_key: Path
    server_pair: Path
    client: Path
    client_key: Path
    client_pair: Path


@dataclass(frozen=True, slots=True)
class _Issued:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def make_certificates(folder: Path, *, client_name: str = "dj") -> Certificates:
    """Write a new CA and what it signed into `folder`. Two calls give two CAs that do not trust each other."""
    folder.mkdir(parents=True, exist_ok=True)
    ca = _issue("DistributedJob tests", issuer=None)
    (folder / "ca.pem").write_bytes(ca.certificate_pem())
    for name, subject in (("server", "localhost"), ("client", client_name)):
        issued = _issue(subject, issuer=ca)
        (folder / f"{name}.pem").write_bytes(issued.certificate_pem())
        (folder / f"{name}-key.pem").write_bytes(issued.key_pem())
        (folder / f"{name}-pair.pem").write_bytes(issued.key_pem() + issued.certificate_pem())
    return Certificates(
        ca=folder / "ca.pem",
        server=folder / "server.pem",
        server_key=folder / "server-key.pem",
        server_pair=folder / "server-pair.pem",
        client=folder / "client.pem",
        client_key=folder / "client-key.pem",
        client_pair=folder / "client-pair.pem",
    )


def _issue(name: str, *, issuer: _Issued | None) -> _Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer is not None:
        builder = builder.add_extension(_LOOPBACK, critical=False)
    return _Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)
