"""A hostile HTTP server in a process of its own: endless bodies, bombs, drips, endless heads. `python flooding.py`.

It prints its port on the first line. The path says which flood comes. Ends when its standard input closes.
"""

import contextlib
import functools
import gzip
import itertools
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator

BLOCK = b"x" * 65536
HEAD = b"HTTP/1.1 200 OK\r\n"
GIGABYTE = 1 << 30


def stream() -> Iterator[bytes]:
    yield HEAD + b"Content-Length: %d\r\n\r\n" % (10 * GIGABYTE)
    yield from itertools.repeat(BLOCK)


def endless() -> Iterator[bytes]:
    yield HEAD + b"\r\n"
    yield from itertools.repeat(BLOCK)


def chunks() -> Iterator[bytes]:
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    yield from itertools.repeat(b"1\r\nx\r\n" * 5000)


def extensions() -> Iterator[bytes]:
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;"
    yield from itertools.repeat(BLOCK)


def trailers() -> Iterator[bytes]:
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    yield from itertools.repeat(b"T: x\r\n" * 5000)


@functools.cache
def packed_zeros() -> bytes:
    return gzip.compress(bytes(300 << 20), 9)


def bomb() -> Iterator[bytes]:
    packed = packed_zeros()
    yield HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


def headers() -> Iterator[bytes]:
    yield HEAD
    yield b"".join(b"X-%d: value\r\n" % number for number in range(100_000)) + b"\r\n"


def line() -> Iterator[bytes]:
    yield HEAD + b"X: "
    yield from itertools.repeat(BLOCK)


def name() -> Iterator[bytes]:
    yield HEAD
    yield from itertools.repeat(BLOCK)


def reason() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 "
    yield from itertools.repeat(BLOCK)


def interim() -> Iterator[bytes]:
    yield from itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def drip() -> Iterator[bytes]:
    yield HEAD + b"Content-Length: 1000000\r\n\r\n"
    while True:
        time.sleep(0.05)
        yield b"x"


def headdrip() -> Iterator[bytes]:
    yield HEAD + b"X: "
    while True:
        time.sleep(0.05)
        yield b"x"


FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    flood.__name__: flood
    for flood in (
        stream, endless, chunks, extensions, trailers, bomb, headers, line, name, reason, interim, drip, headdrip
    )
}  # fmt: skip


class Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        request = self.request.recv(65536)
        flood = FLOODS[request.split(b" ")[1].decode().strip("/")]
        with contextlib.suppress(OSError):
            for piece in flood():
                self.request.sendall(piece)
            self.request.recv(1)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


if __name__ == "__main__":
    with Server(("127.0.0.1", 0), Handler) as server:
        packed_zeros()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        sys.stdin.read()
