"""`python -m model` says how much was searched; `python -m model --broken` how each broken variant fails."""

import sys
import time

from model.search import Search
from model.setups import SETUPS
from model.telling import tell
from model.variants import VARIANTS


def main(arguments: list[str]) -> int:
    """Names of setups or variants choose some of them."""
    broken = "--broken" in arguments
    known = {variant.name: variant.setup for variant in VARIANTS} if broken else SETUPS
    chosen = [name for name in arguments if not name.startswith("-")] or list(known)
    states, began = 0, time.perf_counter()
    for name in chosen:
        since = time.perf_counter()
        found = Search(known[name]).run()
        states += found.states
        seconds = time.perf_counter() - since
        print(f"{name:26} {found.states:>8} states {found.transitions:>9} steps {seconds:6.1f} s  {found.broken}")
        if found.broken:
            print("\n".join(tell(found)), "\n")
    print(f"{len(chosen)} searches, {states} states, {time.perf_counter() - began:.1f} s")
    return 0


sys.exit(main(sys.argv[1:]))
