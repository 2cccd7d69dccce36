"""Names and seals of what this installation leaves on a server that others may write to.

Everything stands under a namespace made from a key of the installation, and carries a keyed digest of its place and
content: two clusters on one Redis never meet, and what a stranger put in our place is no more than noise.
"""

from hashlib import blake2b
from hmac import compare_digest

VERSION = b"\x01"
DIGEST = 16
HEAD = len(VERSION) + DIGEST


class Seal:
    """One per installation: `key` comes from its database."""

    def __init__(self, key: bytes, *, prefix: str) -> None:
        self._key = key
        self.namespace = f"{prefix}:{blake2b(b'namespace', key=key, digest_size=8).hexdigest()}"

    def place(self, name: str) -> str:
        """The key or channel of this name on the server."""
        return f"{self.namespace}:{name}"

    def close(self, name: str, content: bytes) -> bytes:
        return VERSION + self._digest(name, content) + content

    def open(self, name: str, sealed: bytes) -> bytes | None:
        """The content; None for what is not ours, or was written for another place or by another format."""
        content = sealed[HEAD:]
        if sealed[:1] != VERSION or not compare_digest(sealed[1:HEAD], self._digest(name, content)):
            return None
        return content

    def _digest(self, name: str, content: bytes) -> bytes:
        digest = blake2b(name.encode() + b"\0", key=self._key, digest_size=DIGEST)
        digest.update(content)
        return digest.digest()
