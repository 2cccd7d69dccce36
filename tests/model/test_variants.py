"""Every broken variant is caught by its property, by the shortest way there is."""

import pytest

from model.search import Search
from model.telling import tell
from model.variants import VARIANTS, Variant


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_broken_variant_is_caught(variant: Variant) -> None:
    found = Search(variant.setup).run()
    assert found.broken == variant.property_, f"{variant.about}\n" + "\n".join(tell(found))


def test_a_trace_tells_in_words_how_a_variant_fails() -> None:
    (no_mark,) = (variant for variant in VARIANTS if variant.name == "no_mark")
    told = tell(Search(no_mark.setup).run())
    assert told[-1] == "  => at_most_once_means_once: execution 0 was called twice, and must be called at most once"
    assert "worker A dies" in "\n".join(told)
