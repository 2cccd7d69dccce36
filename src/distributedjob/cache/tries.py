"""Counting failures in Redis: the same rules as in one process, in one step for all nodes.

Instants and waits are whole microseconds; a Lua number holds them exactly until the year 2255. `redis.call` would write
them as floats, so they are formatted by hand.
"""

from collections.abc import Sequence

from distributedjob.cache.port import Counter
from distributedjob.model.instant import MILLISECOND, MINUTE, Instant
from distributedjob.rules.patience import FORGET_AFTER

KEPT = (FORGET_AFTER + MINUTE) // MILLISECOND
"""Milliseconds after which Redis drops a counter by itself; whether it still counts is decided by `failed_at`."""

SECOND_IN_LUA = "1000000"

# KEYS: the counters. ARGV: now, forget_after, kept; then free, cap, lock_at (0: never) and lock for each counter.
ADMIT = f"""
local now, forget_after, kept = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local function number(key, field) return tonumber(redis.call('HGET', key, field) or '0') or 0 end
local wait = 0
for _, key in ipairs(KEYS) do wait = math.max(wait, number(key, 'open_at') - now) end
if wait > 0 then return string.format('%d', wait) end
for i, key in ipairs(KEYS) do
  local at = 4 + (i - 1) * 4
  local free, cap = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local lock_at, lock = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local failures = number(key, 'failures')
  if now - number(key, 'failed_at') > forget_after then failures = 0 end
  failures = failures + 1
  local pause = 0
  if lock_at > 0 and failures >= lock_at then
    pause = lock
  elseif failures > free then
    pause = math.min(cap, {SECOND_IN_LUA} * 2 ^ math.min(failures - free - 1, 20))
  end
  redis.call('HSET', key, 'failures', string.format('%d', failures), 'failed_at', string.format('%d', now),
    'open_at', string.format('%d', now + pause))
  redis.call('PEXPIRE', key, kept)
end
return '0'
"""

TAKE_BACK = """
for _, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    local failures = tonumber(redis.call('HGET', key, 'failures') or '0') or 0
    redis.call('HSET', key, 'failures', string.format('%d', math.max(0, failures - 1)), 'open_at', '0')
  end
end
return 0
"""


def arguments_of(counters: Sequence[Counter], *, now: Instant) -> list[int]:
    """What `ADMIT` takes beside the keys."""
    rules = [
        number
        for counter in counters
        for number in (
            counter.patience.free,
            counter.patience.cap,
            counter.patience.lock_at or 0,
            counter.patience.lock,
        )
    ]
    return [now, FORGET_AFTER, KEPT, *rules]
