"""The fault campaign of one kind of node: every process does everything, on SQLite or two of them on MariaDB.

    python -m faults --kills 40 --database sqlite          (with `tests` on the path; `make faults` does both)

A *leg* starts the nodes, a *nemesis* does the harm; the tools and the checker are those of `rig`.
"""
