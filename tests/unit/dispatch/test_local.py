"""A hint that somebody here takes stays here; what is left goes to every carrier."""

from collections.abc import Sequence

import pytest

from distributedjob.dispatch.local import LocalDispatch
from distributedjob.dispatch.port import CancelAsked, News
from distributedjob.model.execution import Hint

HINT, CANCEL = Hint(1, 0, 0, "default"), CancelAsked(1)


class Bag:
    def __init__(self) -> None:
        self.news: list[News] = []

    def carry(self, news: Sequence[News]) -> None:
        self.news += news


@pytest.mark.parametrize(("taken", "carried"), [(True, [CANCEL]), (False, [HINT, CANCEL])])
def test_a_hint_is_carried_unless_it_is_taken_here(taken, carried):
    dispatch, bag = LocalDispatch(), Bag()
    dispatch.listen(Hint, lambda _: taken)
    dispatch.listen(CancelAsked, lambda _: True)
    dispatch.carry_by(bag)
    dispatch.announce([HINT, CANCEL])
    assert bag.news == carried


def test_what_comes_from_elsewhere_is_not_carried_on():
    dispatch, bag = LocalDispatch(), Bag()
    dispatch.carry_by(bag)
    dispatch.deliver([HINT, CANCEL])
    assert bag.news == []
