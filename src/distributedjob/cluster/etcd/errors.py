"""What can go wrong with etcd, in our words.

Unavailable
└── EtcdAway       no member served the call; it may have happened all the same
    └── TokenGone  the login has expired; the next call logs in anew
LeaseGone          etcd does not know the lease (any more), nor what was put with it
Invalid            etcd refuses us: trying again would not help, a setting has to change
"""

import grpc
import grpc.aio

from distributedjob.model.errors import Invalid, Unavailable

Code = grpc.StatusCode


class EtcdAway(Unavailable):
    code = "etcd_unavailable"


class TokenGone(EtcdAway):
    """Not the member's fault."""


class LeaseGone(Exception):
    """It ran out, was revoked, or etcd forgot everything."""


def translate(error: grpc.aio.AioRpcError, *, endpoint: str, user: str | None) -> Exception:
    """The error to raise instead."""
    details = error.details() or ""
    match error.code():
        case Code.UNAUTHENTICATED:
            return TokenGone(f"{endpoint}: {details}")
        case Code.INVALID_ARGUMENT if "invalid user ID or password" in details:
            return Invalid.one("etcd_password", f"etcd refuses user '{user}' with this password")
        case Code.INVALID_ARGUMENT if "user name is empty" in details and user is None:
            return Invalid.one("etcd_user", "etcd asks for a user; set etcd_user and etcd_password")
        case Code.INVALID_ARGUMENT if "user name is empty" in details or "old" in details:
            return TokenGone(f"{endpoint}: {details}")
        case Code.PERMISSION_DENIED:
            return Invalid.one("etcd_user", f"etcd does not let user '{user}' read and write below etcd_prefix")
        case Code.NOT_FOUND:
            return LeaseGone(details)
    return EtcdAway(f"{endpoint}: {details or error.code().name.lower()}")


def asks_for_no_user(error: grpc.aio.AioRpcError) -> bool:
    """Whether this etcd has no users at all, as after it forgot everything."""
    return error.code() is Code.FAILED_PRECONDITION and "not enabled" in (error.details() or "")
