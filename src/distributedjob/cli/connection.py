"""Which server a command talks to, and as whom: flags, else the environment, else the file that `login` wrote."""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import typer

from distributedjob.model.errors import Invalid, Unavailable

DEFAULT_SERVER = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Connection:
    """`token` None: only what is open to everybody can be asked."""

    server: str
    token: str | None


def resolve(*, server: str | None, token: str | None) -> Connection:
    """What was given wins part by part. A stored token is sent to no other server than the one it is for."""
    stored = find_stored()
    address = check_server(server) if server else stored.server if stored else DEFAULT_SERVER
    if token is None and stored is not None and stored.server == address:
        token = stored.token
    return Connection(address, token)


def check_server(server: str) -> str:
    """The server's address without a trailing slash; Invalid when it is not an http(s) URL."""
    address = server if "://" in server else f"http://{server}"
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid.one("server", f"'{server}' is not an address such as {DEFAULT_SERVER}")
    return address.rstrip("/")


def file_path() -> Path:
    """`login.json` in the user's configuration folder (XDG)."""
    return Path(typer.get_app_dir("distributedjob")) / "login.json"


def find_stored() -> Connection | None:
    path = file_path()
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return Connection(server=str(stored["server"]), token=str(stored["token"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"Warning: {path} cannot be read ({error}); 'distributedjob login' writes it anew.\n")
        return None


def forget() -> None:
    """Delete what `store` kept."""
    file_path().unlink(missing_ok=True)


def store(connection: Connection) -> Path:
    """Keep the connection, readable by its owner alone from its first byte on."""
    path = file_path()
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(connection), file)
        part.replace(path)
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {error}", retry_after=0) from error
    return path
