"""etcd beside the `node` table: joins, leaves and the leader are known at once, and targets are found by name.

It makes things fast and decides nothing that matters: without it, or when it is lost, the table serves the same
through a poll of one second. Everything here lives on a thread of its own, so that a busy event loop keeps its lease.
"""
