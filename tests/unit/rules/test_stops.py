"""What is stopped: exactly what a switch names, and no longer than it says."""

from distributedjob.model.stop import Scope, Stop
from distributedjob.rules.stops import NO_STOPS, Stops

NOW = 1_000
ORIGIN = "https://example.com:443"


def stop(scope: Scope, subject: str = "", *, expires_at: int | None = None) -> Stop:
    return Stop(1, scope, subject, "because", "me", 0, expires_at)


def is_stopped(*stops: Stop, department_id: int = 1, queue: str = "default", origin: str = ORIGIN) -> bool:
    found = Stops(stops).find(department_id=department_id, queue=queue, origin=origin, now=NOW)
    return found is not None


def test_without_a_switch_it_is_false() -> None:
    assert not NO_STOPS


def test_the_cluster_stops_everything() -> None:
    assert is_stopped(stop(Scope.CLUSTER), department_id=9, queue="other", origin="http://other:80")


def test_a_department_stops_itself_alone() -> None:
    switch = stop(Scope.DEPARTMENT, "7")
    assert [is_stopped(switch, department_id=number) for number in (7, 8)] == [True, False]


def test_a_queue_stops_itself_alone() -> None:
    switch = stop(Scope.QUEUE, "slow")
    assert [is_stopped(switch, queue=name) for name in ("slow", "default")] == [True, False]


def test_a_target_stops_its_origin_alone() -> None:
    switch = stop(Scope.TARGET, ORIGIN)
    assert [is_stopped(switch, origin=origin) for origin in (ORIGIN, "http://example.com:80")] == [True, False]


def test_an_expired_switch_stops_nothing() -> None:
    assert [is_stopped(stop(Scope.CLUSTER, expires_at=end)) for end in (NOW + 1, NOW)] == [True, False]


def test_the_widest_switch_is_named() -> None:
    stops = Stops([stop(Scope.TARGET, ORIGIN), stop(Scope.QUEUE, "default"), stop(Scope.CLUSTER)])
    found = stops.find(department_id=1, queue="default", origin=ORIGIN, now=NOW)
    assert found is not None
    assert found.scope is Scope.CLUSTER


def test_departments_are_those_in_force() -> None:
    stops = Stops([stop(Scope.DEPARTMENT, "7"), stop(Scope.DEPARTMENT, "8", expires_at=NOW), stop(Scope.QUEUE, "q")])
    assert stops.departments(NOW) == (7,)


def test_origins_are_asked_for_only_if_a_target_is_stopped() -> None:
    assert [Stops([stop(scope, "1")]).names_targets for scope in (Scope.TARGET, Scope.QUEUE)] == [True, False]
