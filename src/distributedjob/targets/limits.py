"""How much of an answer is read, kept and waited for, and how long a connection may idle."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes.

    `read` bounds what is taken from one answer after its head; `stored` what an outcome keeps of the
    decoded body. `pieces` bounds the chunks and trailers of one answer, each of which costs time.
    `head` and `headers` bound size and number of the header lines, interim answers included.
    `idle` is short on purpose: common servers close after 5 s, and a request that crosses their close
    is an unclear outcome.
    """

    read: int = 1024 * 1024
    stored: int = 64 * 1024
    pieces: int = 10_000
    head: int = 32 * 1024
    headers: int = 100
    idle: timedelta = timedelta(seconds=4)
    idle_connections: int = 1024
    names_cached: timedelta = timedelta(seconds=5)
