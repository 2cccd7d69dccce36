"""The messages of proto/etcd.proto, in a descriptor pool of their own, and the calls that carry them.

The default pool knows each name once per process: a second client of etcd beside ours must find it free.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

PACKAGE = "etcdserverpb"


@cache
def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    compiled = files(__package__).joinpath("etcd.binpb").read_bytes()
    for file in FileDescriptorSet.FromString(compiled).file:
        pool.Add(file)
    return pool


@cache
def message(name: str) -> Any:
    """The class of a message, such as `RangeRequest`."""
    return GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))


@dataclass(frozen=True, slots=True)
class Rpc:
    """One call of etcd's API: its path, and what its answer is."""

    service: str
    method: str
    answer: str
    streams: bool = False

    @property
    def path(self) -> str:
        return f"/{PACKAGE}.{self.service}/{self.method}"

    @staticmethod
    def encode(request: Message) -> bytes:
        return request.SerializeToString()

    def decode(self, answer: bytes) -> Any:
        return message(self.answer).FromString(answer)


RANGE = Rpc("KV", "Range", "RangeResponse")
PUT = Rpc("KV", "Put", "PutResponse")
TXN = Rpc("KV", "Txn", "TxnResponse")
WATCH = Rpc("Watch", "Watch", "WatchResponse", streams=True)
GRANT = Rpc("Lease", "LeaseGrant", "LeaseGrantResponse")
REVOKE = Rpc("Lease", "LeaseRevoke", "LeaseRevokeResponse")
KEEP_ALIVE = Rpc("Lease", "LeaseKeepAlive", "LeaseKeepAliveResponse", streams=True)
AUTHENTICATE = Rpc("Auth", "Authenticate", "AuthenticateResponse")
