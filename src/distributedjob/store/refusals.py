"""What the error numbers of MySQL and MariaDB mean for whoever asked."""

from collections.abc import Mapping, Sequence

from sqlalchemy.exc import DBAPIError

DEADLOCK, LOCK_WAIT = 1213, 1205
TOO_LONG = 1153
DENIED = frozenset({1044, 1045, 1049, 1130, 1251, 1698, 1862, 3118, 4151})
"""Nobody gets in this way: no such user, password, host or database, or an account that is locked."""

DEMOTED = frozenset({1290, 1792, 1836})
"""The server must not be written to: a replica, or a primary that was demoted. Its connections work all the same."""

AWAY = frozenset(
    {1040, 1042, 1043, 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1317, 1927, 3032, 4031}
    | {2000, 2002, 2003, 2005, 2006, 2013, 2014, 2027, 2055}
    | {1021, 1030, 1036, 1037, 1038, 1041, 1114, 1135, 1206}
    | {1142, 1143, 1227}
)
"""Nothing that is asked now would be done: the server ends, or is out of disk, memory or threads, or our rights were
taken. No row is to blame, so that whoever writes rows waits, and drops none."""


def code_of(error: DBAPIError) -> int | None:
    """The server's error number, if it sent one."""
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def length_of(error: DBAPIError) -> int:
    """About how many bytes the failed statement had on its way, its texts escaped; 0 when it had none."""
    parameters = error.params if isinstance(error.params, Sequence | Mapping) else ()
    values = parameters.values() if isinstance(parameters, Mapping) else parameters
    texts = [value for value in values if isinstance(value, str | bytes)]
    return len(error.statement or "") + sum(map(_length_on_the_way, texts))


def _length_on_the_way(value: str | bytes) -> int:
    content = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    return len(content) + sum(map(content.count, (b'"', b"'", b"\\", b"\n", b"\r", b"\0", b"\x1a")))
