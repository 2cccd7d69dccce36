"""The compiled messages are those of proto/etcd.proto, and no name of theirs is taken in protobuf's default pool."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from distributedjob.cluster.etcd.messages import RANGE, message

ROOT = Path(__file__).resolve().parents[3]


def test_the_compiled_file_is_up_to_date(tmp_path: Path) -> None:
    loader = SourceFileLoader("compile_proto", str(ROOT / "scripts" / "proto"))
    spec = importlib.util.spec_from_loader("compile_proto", loader)
    assert spec is not None
    script = importlib.util.module_from_spec(spec)
    loader.exec_module(script)
    fresh = tmp_path / "etcd.binpb"
    assert script.compile_to(fresh) == 0
    kept, made = (FileDescriptorSet.FromString(path.read_bytes()) for path in (script.COMPILED, fresh))
    assert kept == made, "run scripts/proto and commit what it writes"


def test_the_default_pool_stays_free_for_another_client() -> None:
    message("RangeRequest")
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("etcdserverpb.RangeRequest")


def test_a_request_is_what_etcd_reads_on_the_wire() -> None:
    assert RANGE.encode(message("RangeRequest")(key=b"a", range_end=b"b")) == b"\x0a\x01a\x12\x01b"


def test_fields_of_an_answer_that_are_not_ours_are_passed_over() -> None:
    header, pair = b"\x0a\x02\x08\x07", b"\x12\x08\x0a\x01k\x10\x05\x2a\x01v"
    answer = RANGE.decode(header + pair + b"\x20\x01")
    assert [(found.key, found.value) for found in answer.kvs] == [(b"k", b"v")]
