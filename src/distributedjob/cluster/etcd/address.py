"""Where etcd is and how to talk to it, read from the settings once and checked before anything connects."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from distributedjob.model.errors import Invalid


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The client's own certificate, as PEM, and the files it came from."""

    certificate: bytes
    key: bytes = field(repr=False)
    files: tuple[Path, Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What the members' certificates are checked against, as PEM, and what the client shows."""

    ca: bytes
    identity: Identity | None = None

    def context(self) -> ssl.SSLContext:
        """The same for the standard library. Raises ValueError or OSError when the files make no sense."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.ca.decode("ascii"))
        if self.identity is not None:
            context.load_cert_chain(*self.identity.files)
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdAddress:
    """The members of one etcd cluster, as host:port."""

    endpoints: tuple[str, ...]
    credentials: Credentials | None = None
    tls: Tls | None = None


def read_tls(ca: Path, *, certificate: Path | None, key: Path | None) -> Tls:
    """Read the files; raises Invalid naming the setting of one that cannot be used."""
    authority = _read(ca, "etcd_ca")
    try:
        Tls(ca=authority).context()
    except (ValueError, OSError):
        raise Invalid.one("etcd_ca", f"{ca} holds no certificate in PEM form") from None
    if certificate is None or key is None:
        return Tls(ca=authority)
    identity = Identity(
        certificate=_read(certificate, "etcd_certificate"), key=_read(key, "etcd_key"), files=(certificate, key)
    )
    try:
        Tls(ca=authority, identity=identity).context()
    except OSError:
        raise Invalid.one("etcd_key", f"{key} and {certificate} are no pair of key and certificate") from None
    return Tls(ca=authority, identity=identity)


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid.one(setting, f"{path} cannot be read: {error.strerror}") from None
