"""What each connection to MySQL or MariaDB asks of the server, before anything else."""

from collections.abc import Mapping

IDLE_SECONDS = 10
"""How long the server waits for the next statement, and for a client that does not read. A node that freezes inside a
transaction, or whose packets vanish, keeps its row locks, and with them the fires of everybody, for as long as the
server keeps the connection; by default that is eight hours.

Rejected: killing the connections of a session that is declared dead. Somebody must know them (one write more for each,
or the server's performance schema), it comes after fifteen seconds, and never for a node that lives on while a
firewall forgot one of its connections."""

LOCK_WAIT_SECONDS = 5


def wanted_of(idle_seconds: int = IDLE_SECONDS) -> Mapping[str, int | str]:
    """Variables and their values on both servers."""
    return {
        "innodb_lock_wait_timeout": LOCK_WAIT_SECONDS,
        "time_zone": "+00:00",
        "wait_timeout": idle_seconds,
        "net_write_timeout": idle_seconds,
    }


def wanted_of_mariadb(idle_seconds: int = IDLE_SECONDS) -> Mapping[str, int | str]:
    """MariaDB can be stricter with a transaction than with a connection at rest."""
    return {"idle_transaction_timeout": -(-idle_seconds // 2)}


def init_command(idle_seconds: int) -> str:
    """One statement for both; MySQL takes the end for a comment."""
    both, mariadb = (_listed(wanted(idle_seconds)) for wanted in (wanted_of, wanted_of_mariadb))
    return f"SET {both} /*M!100300 , {mariadb} */"


def _listed(wanted: Mapping[str, int | str]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in wanted.items())
