"""Protocols that are broken on purpose: what is wrong with each, where it is searched, and which property must fail.

A search that finds nothing proves something only if it would have found something.
"""

from dataclasses import dataclass, replace

from model.assumptions import Setup
from model.setups import SETUPS


@dataclass(frozen=True, slots=True)
class Variant:
    """`property_` names the one that must be the first to fail, by the shortest way there is."""

    name: str
    about: str
    setup: Setup
    property_: str


def _variant(name: str, about: str, property_: str, where: str, *, switch: str = "", **changes: object) -> Variant:
    setup = replace(SETUPS[where], broken=frozenset({switch or name}), **changes)
    return Variant(name, about, setup, property_)


VARIANTS = (
    # The broken builds of the kill test.
    _variant(
        "cursor_before_rows",
        "the cursor moves in a transaction of its own, before the rows",
        "everything_ends",
        "recording",
    ),
    _variant(
        "rows_before_cursor",
        "the rows come in a transaction of their own, and no key knows a fire again",
        "one_decision_per_fire",
        "recording",
    ),
    _variant(
        "result_without_fence", "a result is written to whatever the row is by then", "one_word_counts", "at_least_once"
    ),
    _variant(
        "hint_only",
        "nobody pulls: hints are the only delivery",
        "everything_ends",
        "hints",
        switch="no_pull",
    ),
    _variant(
        "transport_resends", "the transport sends a request again by itself", "attempts_are_numbered", "at_least_once"
    ),
    _variant(
        "failed_is_claimable",
        "a failed execution may be claimed again",
        "terminal_is_final",
        "at_least_once",
    ),
    _variant(
        "any_answer_succeeds",
        "any answer counts as a success",
        "no_false_success",
        "at_least_once",
    ),
    # The broken builds of the fault rig.
    _variant(
        "dead_by_wall_clock", "a session is declared dead although it beats", "only_the_holder_calls", "at_least_once"
    ),
    _variant(
        "no_rescue",
        "nobody rescues what a dead session ran",
        "everything_ends",
        "at_least_once",
    ),
    _variant(
        "no_reconciler",
        "a claim whose answer was lost is never found",
        "everything_ends",
        "hints",
    ),
    _variant(
        "no_mark",
        "at most once without a start mark",
        "at_most_once_means_once",
        "at_most_once",
    ),
    _variant(
        "planned_before_the_lock",
        "fires are planned on rows read before the lock, and no key knows a fire again",
        "one_decision_per_fire",
        "recording",
    ),
    _variant(
        "offsets_only",
        "the offsets of a broker are the only memory: what was read and not claimed is gone",
        "everything_ends",
        "hints",
        switch="no_pull",
        may=frozenset({"crash"}),
    ),
    _variant(
        "counted_apart",
        "the overlap is decided from a counter that moves in a transaction of its own",
        "the_gate_is_respected",
        "gate_skip",
        schedulers=2,
    ),
    # Others, each a condition or a part that the protocol cannot do without.
    _variant(
        "no_fence_in_finish",
        "a result is written by its holder, whatever the fence",
        "one_word_counts",
        "at_least_once",
    ),
    _variant(
        "rescue_keeps_the_fence",
        "a rescue does not raise the fence",
        "what_is_taken_for_written_is_written",
        "at_most_once",
    ),
    _variant(
        "rescue_on_an_old_look",
        "a rescue believes the start mark that it saw before it had the row",
        "at_most_once_means_once",
        "lying_clocks",
    ),
    _variant(
        "claim_any_state",
        "a claim looks at the fence alone",
        "terminal_is_final",
        "endings",
    ),
    _variant(
        "replay_ends_any_row", "a replayed result ends any row that has not ended", "one_word_counts", "at_least_once"
    ),
    _variant(
        "finish_ignores_cancel",
        "a result does not turn into a cancel that was asked for",
        "everything_ends",
        "endings",
        faults=0,
        wishes=1,
    ),
    _variant(
        "nothing_is_disowned", "the reconciler gives back what may still be started", "only_the_holder_calls", "hints"
    ),
    _variant(
        "claims_what_is_held", "a claim returns whatever its session holds", "only_the_holder_calls", "at_least_once"
    ),
    _variant(
        "no_last_look",
        "a worker calls without a last look",
        "only_the_holder_calls",
        "at_least_once",
    ),
    _variant(
        "key_of_the_claim",
        "each claim makes a key of its own",
        "one_key_per_execution",
        "at_least_once",
    ),
    _variant(
        "idle_transactions_live_on",
        "the server keeps the transaction of a frozen node for ever",
        "everything_ends",
        "recording",
    ),
    _variant(
        "skipped_fires_count", "a fire that its gate skips counts against the maximum", "everything_ends", "max_fires"
    ),
    _variant(
        "no_follower",
        "nobody sets the cursor when the awaited execution ends",
        "everything_ends",
        "from_end",
    ),
    _variant(
        "no_gate_rounds",
        "nobody visits a gate where somebody waits",
        "everything_ends",
        "gate_wait",
    ),
    _variant(
        "nobody_leaves_the_gate",
        "executions end without leaving their gate",
        "everything_ends",
        "gate_wait",
    ),
    _variant(
        "gate_without_entries",
        "a save turns the gate on and forgets what is under way",
        "the_gate_is_respected",
        "gate_turned_on",
    ),
    _variant(
        "no_expiry",
        "nobody ends what is past its deadline",
        "everything_ends",
        "endings",
        faults=0,
        wishes=1,
    ),
    _variant(
        "leaving_forgets_results",
        "a worker that stops while the database is away forgets its results",
        "repeated_calls_are_explained",
        "endings",
    ),
)
