"""The fault campaign: the real program is killed, frozen and cut off while it works, and an outsider checks its books.

    python -m faults --kills 40 --database sqlite          (with `tests` on the path; `make faults` does both)

A *leg* starts `distributedjob serve` as real processes against a scripted HTTP target (`sink`) and, on MariaDB,
behind a TCP relay (`proxy`); a *nemesis* does the harm; then `checker` compares three independent records: what the
`oracle` says was due, what the sink saw arrive, and what the database says. Nothing here imports the program: a
misunderstanding shared by both sides would hide the very faults that are sought.
"""
