"""Every line the program logs, in one place. Failures are logged, successes are counted.

An outage of the database is one line when it begins and one when it ends, however many parts of the program meet it
in between. Executions that fail by the thousand do not fill a disk: a few lines a second, then their number.
"""

import time
from typing import Any

import structlog

from distributedjob.model.errors import Unavailable

REPEAT_AFTER = 30.0
"""The same trouble is said again after this many seconds."""

FAILURES_PER_SECOND = 5


class _Outage:
    """Of one server, however many parts of the program meet it: said when it begins, and when it ends."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._said: set[str] = set()

    def is_news(self, kind: str = "") -> bool:
        """Note trouble; whether to say so: once for each `kind` in an outage, and for none only if nothing was said."""
        if self._since is None:
            self._since = time.monotonic()
        if kind in self._said or (self._said and not kind):
            return False
        self._said.add(kind)
        return True

    def end(self) -> float | None:
        """All is well; how many seconds it was not, if it was not."""
        since, self._since = self._since, None
        self._said.clear()
        return None if since is None else round(time.monotonic() - since, 1)


class Events:
    """The program's voice. Safe in any thread. `facts` stand in every line."""

    def __init__(self, **facts: str) -> None:
        self._log: Any = structlog.get_logger("distributedjob").bind(**facts)
        self._said: dict[str, float] = {}
        self._database, self._etcd, self._redis, self._kafka = _Outage(), _Outage(), _Outage(), _Outage()
        self._second, self._failures = 0, 0

    def starting(self, *, version: str, session: int, database: str, roles: str) -> None:
        self._log.info("starting", version=version, session=session, database=database, roles=roles)

    def ready(self, *, url: str, seconds: float) -> None:
        self._log.info("ready", url=url, seconds=round(seconds, 2))

    def relaxed(self, *, setting: str, meaning: str) -> None:
        self._log.warning("a safety setting is relaxed", setting=setting, meaning=meaning)

    def unknown_variable(self, *, name: str) -> None:
        self._log.warning("an environment variable looks like a setting and is none", variable=name)

    def network_file_system(self, *, path: str, kind: str) -> None:
        self._log.warning(
            "the database is on a network file system, whose locks may not hold; use a local disk, or MySQL",
            path=path,
            kind=kind,
        )

    def process_died(self, pid: int, code: int) -> None:
        self._log.error("a process died; another takes its place", pid=pid, exit_code=code)

    def stopping(self, *, signal: str, drain_seconds: float) -> None:
        self._log.info("stopping", signal=signal, drain_seconds=drain_seconds)

    def stopped(self, *, released: int, cut: int) -> None:
        self._log.info("stopped", released=released, cut=cut)

    def database_away(self, error: Exception) -> None:
        if self._database.is_news():
            self._log.warning("the database is away; waiting for it", error=_line(error))

    def database_back(self) -> None:
        """Whoever finds the database well says so; it counts after an outage only."""
        if (seconds := self._database.end()) is not None:
            self._log.info("the database is back", away_seconds=seconds)

    def etcd_away(self, error: Exception) -> None:
        if self._etcd.is_news():
            self._log.warning("etcd is away; the database alone tells who is alive", error=_line(error))

    def etcd_connected(self, *, nodes: int) -> None:
        if (seconds := self._etcd.end()) is None:
            self._log.info("registered in etcd", nodes=nodes)
        else:
            self._log.info("etcd is back", away_seconds=seconds, nodes=nodes)

    def etcd_refused(self, error: Exception) -> None:
        self._rarely("etcd", "etcd refuses this node; it goes on without", error=_line(error))

    def leader_changed(self, *, leader: int, here: bool) -> None:
        self._log.info("this session leads" if here else "another session leads", leader=leader)

    def redis_away(self, cause: str) -> None:
        """Said again when it is another trouble: unreachable first, then a wrong password."""
        if self._redis.is_news(cause):
            self._log.warning("Redis is away; this node goes on for itself", cause=cause)

    def redis_back(self) -> None:
        if (seconds := self._redis.end()) is not None:
            self._log.info("Redis is back", away_seconds=seconds)

    def redis_refuses(self, cause: str) -> None:
        self._rarely("redis", "Redis refuses a command; this node does without", cause=cause)

    def kafka_away(self, *, servers: str, error: str, kind: str) -> None:
        """Each `kind` of trouble is said once in an outage: unreachable first, then perhaps a wrong password."""
        if self._kafka.is_news(kind):
            self._log.warning("Kafka is away; no hints go out until it is back", servers=servers, error=error[:500])

    def kafka_back(self) -> None:
        if (seconds := self._kafka.end()) is not None:
            self._log.info("Kafka is back", away_seconds=seconds)

    def kafka_topic_made(self, *, topic: str, partitions: int) -> None:
        self._log.info("made a topic in Kafka", topic=topic, partitions=partitions)

    def kafka_topic_unfit(self, *, topic: str, setting: str, value: str, remedy: str) -> None:
        words = "a topic's setting loses hints; workers pull instead"
        self._log.error(words, topic=topic, setting=setting, value=value, remedy=remedy)

    def kafka_refused(self, *, name: str, act: str, error: str, remedy: str) -> None:
        words = f"Kafka refuses {act}; workers pull instead"
        self._log.error(words, name=name, error=error[:500], remedy=remedy)

    def hints_flow(self, trouble: str) -> None:
        """`trouble` says why they do not; empty when they do again."""
        if trouble:
            self._log.warning("hints cannot be relied on; pulling all work from the database", why=trouble)
        else:
            self._log.info("hints can be relied on again; pulling only what they missed")

    def hints_dropped(self, *, reason: str, topic: str, remedy: str) -> None:
        words = "messages with hints are dropped unread"
        self._rarely(f"hints {reason}", words, after=60.0, reason=reason, topic=topic, remedy=remedy)

    def execution_failed(self, *, execution_id: int, task_id: int, state: str, reason: str, message: str) -> None:
        second = int(time.monotonic())
        if second != self._second:
            unsaid = max(0, self._failures - FAILURES_PER_SECOND)
            self._second, self._failures = second, 0
            if unsaid:
                self._log.warning("more executions did not succeed", executions=unsaid)
        self._failures += 1
        if self._failures <= FAILURES_PER_SECOND:
            self._log.warning(
                "an execution did not succeed",
                execution_id=str(execution_id),
                task_id=str(task_id),
                state=state,
                reason=reason,
                message=message,
            )

    def results_wait(self, error: Exception, *, waiting: int) -> None:
        self._rarely("results", "results wait for the database", error=_line(error), waiting=waiting)

    def recording_waits(self, error: Exception, *, schedules: int) -> None:
        self._rarely("recording", "recording waits for the database", error=_line(error), schedules=schedules)

    def journal_refused(self, error: Exception, *, results: int) -> None:
        self._log.error(
            "the journal cannot be written; results are in memory only", error=_line(error), results=results
        )

    def journal_replayed(self, *, file: str, counted: int, late: int) -> None:
        self._log.info("journal replayed", file=file, counted=counted, late=late)

    def output_refused(self, error: Exception, *, execution_id: int) -> None:
        self._log.error("an answer could not be stored; its result is", error=_line(error), execution_id=execution_id)

    def result_refused(self, error: Exception, *, execution_id: int) -> None:
        self._log.error("a result could not be stored", error=_line(error), execution_id=execution_id)

    def call_failed(self, error: Exception, *, execution_id: int) -> None:
        self._log.error("the program failed in a call", execution_id=execution_id, exc_info=error)

    def schedule_refused(self, error: Exception, *, schedule_id: int) -> None:
        self._rarely(
            f"schedule {schedule_id}",
            "a schedule cannot be recorded; save its task again",
            error=_line(error),
            schedule_id=schedule_id,
        )

    def rescued(self, *, executions: int) -> None:
        self._log.warning("executions of a lost worker were rescued", executions=executions)

    def claim_failed(self, error: Exception, *, queue: str) -> None:
        self._rarely("claim", "a claim failed; it is tried again", error=_line(error), queue=queue)

    def zone_data_changed(self, *, moved: int) -> None:
        self._log.warning("the zone data changed; cursors were recomputed", moved=moved)

    def late_results(self, *, executions: int) -> None:
        self._log.warning("results came too late to count; kept as evidence", executions=executions)

    def pass_failed(self, service: str, error: Exception, *, failures: int) -> None:
        if isinstance(error, Unavailable):
            self.database_away(error)
            return
        self._rarely(
            f"pass {service}",
            "a background service failed; it goes on",
            service=service,
            error=_line(error),
            failures=failures,
        )

    def beat_failed(self, error: Exception) -> None:
        if isinstance(error, Unavailable | TimeoutError):
            self.database_away(error)
            return
        self._rarely("beat", "a heartbeat failed", error=_line(error))

    def session_lost(self, *, session: int) -> None:
        self._log.error("this session was declared dead; stopping its work", session=session)

    def node_dead(self, name: str, session: int) -> None:
        self._log.warning("a node gave no sign for 15 s and was declared dead", name=name, session=session)

    def ordered(self, *, wanted: str, reason: str, by: str) -> None:
        self._log.warning(f"this node is {wanted} by order", reason=reason, by=by)

    def order_lifted(self) -> None:
        self._log.warning("this node is back in service")

    def stopped_by_switch(self, *, subject: str, reason: str, by: str) -> None:
        self._log.warning("a stop switch is in force; no call of it begins", stopped=subject, reason=reason, by=by)

    def stop_lifted(self, *, subject: str) -> None:
        self._log.warning("a stop switch is lifted", stopped=subject)

    def name_taken(self, *, name: str, session: int) -> None:
        self._rarely(
            "name", "another living node has this name; an order means both. Set node_name", name=name, other=session
        )

    def queue_without_worker(self, *, queue: str, pending: int) -> None:
        self._rarely(f"queue {queue}", "no living worker serves this queue", queue=queue, pending=pending)

    def schema_newer(self, *, found: str, known: str) -> None:
        words = "the database's schema is newer than this program, which may still work on it; upgrade soon"
        self._log.warning(words, schema=found, known=known)

    def clock_stepped(self) -> None:
        self._rarely("clock", "the clock stepped; recording is frozen until it settles")

    def loop_lags(self, *, seconds: float) -> None:
        self._rarely("lag", "the event loop lags; no new work is taken", seconds=round(seconds, 1))

    def request_failed(self, error: Exception, *, fault_id: str, method: str, path: str) -> None:
        self._log.error("a request failed", fault_id=fault_id, method=method, path=path, exc_info=error)

    def _rarely(self, topic: str, event: str, /, *, after: float = REPEAT_AFTER, **facts: object) -> None:
        now = time.monotonic()
        if now - self._said.get(topic, -after) >= after:
            self._said[topic] = now
            self._log.warning(event, **facts)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:500]
