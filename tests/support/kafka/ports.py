"""Ports that stay a broker's own while it is down."""

import random
import socket
from pathlib import Path
from typing import Final

_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


def listening_ports(count: int) -> list[int]:
    """Ports that nothing listens on now, below those that the kernel gives to outgoing connections.

    A client that keeps trying to reach a stopped broker on a port of that upper range is at some time given the very
    port as its own: it then talks to itself, and the broker cannot come back.
    """
    upper = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32768
    found: list[int] = []
    for port in random.sample(range(10_000, upper), k=upper - 10_000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"no {count} free ports between 10000 and {upper}")


def is_listening(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
