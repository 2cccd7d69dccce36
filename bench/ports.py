"""Loopback ports for what the bench starts."""

import random
import socket

PORTS = range(10_000, 30_000)


def pick_free_port() -> int:
    """A port nobody listens on; drawn at random, so that two runs side by side rarely meet."""
    for _ in range(200):
        port = random.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError(f"no free port among 200 drawn from {PORTS}")
