"""Stop switches: set, listed, lifted; and what they say of a fire or a run that is about to be recorded.

Fires are judged by the copy of this node, which is at most a second old; runs that somebody asks for by the rows.
"""

from distributedjob.dispatch.port import OrdersChanged
from distributedjob.model.errors import Conflict, Invalid, NotFound
from distributedjob.model.identity import MAX_ID, Principal
from distributedjob.model.instant import Instant
from distributedjob.model.stop import Scope, Stop
from distributedjob.model.task import TaskDefinition
from distributedjob.rules.stops import Stops
from distributedjob.services.desk import Transaction
from distributedjob.store import queues, stops
from distributedjob.targets.urls import origin_of

LONGEST_SUBJECT = 255


def set_stop(
    tx: Transaction, *, principal: Principal, scope: Scope, subject: str, reason: str, expires_at: Instant | None
) -> Stop:
    """Stop what `subject` names; a switch that is there already is set anew. Raises Invalid naming the field."""
    if expires_at is not None and expires_at <= tx.now:
        raise Invalid.one("expires_at", "is past; leave it out to stop until the switch is lifted")
    subject = _checked(tx, scope, subject)
    stop = Stop(tx.new_id(), scope, subject, reason, principal.name, tx.now, expires_at)
    stops.place_stop(tx.connection, stop)
    tx.news.append(OrdersChanged())
    return stop


def lift_stop(tx: Transaction, stop_id: int) -> None:
    if not stops.lift_stop(tx.connection, stop_id):
        raise NotFound(f"there is no stop switch {stop_id}; 'distributedjob stop list' shows them", id=str(stop_id))
    tx.news.append(OrdersChanged())


def list_stops(tx: Transaction) -> list[Stop]:
    """Those in force, oldest first."""
    return stops.list_stops(tx.connection, now=tx.now)


def is_stopped(tx: Transaction, definition: TaskDefinition, *, department_id: int) -> bool:
    """Whether a fire of this task is stopped, as far as this node knows."""
    return _find(tx.stops, tx.now, definition, department_id) is not None


def refuse_stopped(tx: Transaction, definition: TaskDefinition, *, department_id: int) -> None:
    """Raises Conflict with the switch's reason when a run of this task is stopped by now."""
    stop = _find(Stops(list_stops(tx)), tx.now, definition, department_id)
    if stop is not None:
        raise Conflict(
            f"{stop.words} is stopped ({stop.reason}); 'distributedjob stop list' shows by whom, and until when",
            code="stopped",
            id=str(stop.id),
        )


def _find(present: Stops, now: Instant, definition: TaskDefinition, department_id: int) -> Stop | None:
    origin = _known_origin(definition.target.url) if present.names_targets else ""
    return present.find(department_id=department_id, queue=definition.queue, origin=origin, now=now)


def _known_origin(url: str) -> str:
    """Nothing for a URL that an older version accepted: its call will say what is wrong with it."""
    try:
        return origin_of(url)
    except ValueError:
        return ""


def _checked(tx: Transaction, scope: Scope, subject: str) -> str:
    """The subject as it is compared. Raises Invalid."""
    match scope:
        case Scope.CLUSTER:
            if subject:
                raise Invalid.one("subject", "is nothing for the whole cluster; leave it out")
            return ""
        case Scope.DEPARTMENT:
            return _department(tx, subject)
        case Scope.TARGET:
            return _origin(subject)
        case Scope.QUEUE:
            return _queue(tx, subject)


def _department(tx: Transaction, subject: str) -> str:
    number = int(subject) if subject.isascii() and subject.isdigit() and len(subject) < 20 else 0
    if not 0 < number <= MAX_ID or not stops.is_department(tx.connection, number):
        raise Invalid.one("subject", f"there is no department '{subject}'; give the id of one")
    return str(number)


def _origin(subject: str) -> str:
    try:
        origin = origin_of(subject)
    except ValueError as error:
        raise Invalid.one("subject", f"is not an address such as https://example.com: {error}") from None
    if len(origin) > LONGEST_SUBJECT:
        raise Invalid.one("subject", f"is longer than {LONGEST_SUBJECT} characters")
    return origin


def _queue(tx: Transaction, subject: str) -> str:
    """A switch that stops nothing would only seem to help: a queue has to be in use."""
    known = queues.list_names(tx.connection)
    if subject not in known:
        in_use = f"; in use are {', '.join(known[:20])}" if known else ""
        raise Invalid.one("subject", f"no task and no worker names a queue '{subject}'{in_use}")
    return subject
