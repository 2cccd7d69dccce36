"""Which fault explains what happened to a call: only harm done to the node that held it, at the time that matters."""

from collections.abc import Iterable

from rig.facts import SECOND, Call, Ending, Evidence, Fault, Harm, Session, holders_of

RECORDED_WITHIN = SECOND
"""A result is in the database this long after the answer, or something was wrong with the node."""
DELIVERED_WITHIN = 3 * SECOND
"""A request has arrived this long after it was claimed: on a busy machine the target itself waits for its turn."""
HARMLESS_TO_CALLS = frozenset({Harm.CLOCK, Harm.NEIGHBOUR})
"""No wrong clock and no server that is away explains that a call is made again: the node lives, and keeps its results
in its journal."""
FORGETFUL = frozenset({Harm.KILL, Harm.CRASH, Harm.FREEZE, Harm.RESTART})
"""What may cost a node that lives on, or its next life, the answer of a call. A node that was cut off from its database
keeps its results; only that it was declared dead meanwhile explains a repeat."""
SLACK = 100_000
"""Between two clocks and two event loops of one busy machine."""


class Excuses:
    """Looks up the node that made a call, and what was done to it."""

    def __init__(self, evidence: Evidence) -> None:
        self._faults = [fault for fault in evidence.faults if fault.harm not in HARMLESS_TO_CALLS]
        self._sessions = {session.id: session for session in evidence.sessions}
        self._holders = holders_of(evidence)
        self._claims = {(row.id, row.attempt): row.claimed_at for row in evidence.rows}
        self._claims.update({(row.execution_id, row.no): row.claimed_at for row in evidence.attempts})
        self._timeouts = {plan.task_id: plan.timeout for plan in evidence.plans}

    def _session_of(self, call: Call) -> Session | None:
        """Whose call it was; None where the books do not tell."""
        return self._sessions.get(self._holders.get((call.execution_id, call.attempt)) or 0)

    def explains_repeat(self, call: Call, *, until: int) -> bool:
        """Whether an attempt after `call`, made at `until`, is explained by what became of `call`."""
        if call.ending is Ending.ANSWERED and call.status != 200:
            return True
        if call.ending is Ending.CLOSED:
            return True
        if call.ending is Ending.LOST and call.ended_at is not None and self.timed_out(call):
            return True
        return self.lost_its_node(call, until=until)

    def lost_its_node(self, call: Call, *, until: int) -> bool:
        """Whether what became of `call` may have been lost with its node, or with that node's database, by `until`.

        Where the books say that the session ended, any harm to it before that will do: on a busy machine it may have
        had the answer for seconds without getting it written. A node that lived on must have been harmed at the time,
        and so that it forgets.
        """
        session = self._session_of(call)
        if session is not None and session.ended_at is not None and call.arrived_at <= session.ended_at <= until:
            return any(self.harms(call, start=call.arrived_at, end=session.ended_at))
        end = call.ended_at if call.ended_at is not None else until
        harms = self.harms(call, start=call.arrived_at, end=min(until, end + RECORDED_WITHIN))
        return any(fault.harm in FORGETFUL for fault in harms)

    def timed_out(self, call: Call) -> bool:
        """Whether the caller waited out its own timeout, which runs from the start of the attempt.

        On a busy machine the sink reads a request well after it was sent: the claim is the earlier bound.
        """
        if call.ended_at is None:
            return False
        claimed_at = self._claims.get((call.execution_id, call.attempt))
        began_at = max(claimed_at, call.arrived_at - DELIVERED_WITHIN) if claimed_at else call.arrived_at
        return call.ended_at - began_at >= self._timeouts.get(call.task_id, 0) - SLACK

    def harms(self, call: Call, *, start: int, end: int) -> Iterable[Fault]:
        """What was done between the instants to the node that made `call`; to any node where that is not known."""
        session = self._session_of(call)
        pid = session.pid if session is not None else None
        for fault in self._faults:
            concerned = pid is None or fault.pid is None or fault.pid == pid
            if concerned and fault.started_at <= end + SLACK and fault.ended_at >= start - SLACK:
                yield fault

    def harms_to_holder(self, call: Call) -> tuple[Fault, ...]:
        """Everything that was ever done to the node that made `call`; nothing where that is not known."""
        session = self._session_of(call)
        return tuple(fault for fault in self._faults if session is not None and fault.pid == session.pid)

    def was_frozen(self, call: Call) -> bool:
        """Whether `call` may have been on its way in a node that froze just before it arrived."""
        window = call.arrived_at - SECOND, call.arrived_at
        return any(fault.harm is Harm.FREEZE for fault in self.harms(call, start=window[0], end=window[1]))
