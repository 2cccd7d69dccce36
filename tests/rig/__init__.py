"""What every fault campaign stands on: the program as real processes, a scripted target, and an outsider's books.

A campaign starts `distributedjob` as real processes against a scripted HTTP target (`sink`), with TCP relays (`proxy`)
in between, and does harm; then `checker` compares three independent records: what the `oracle` says was due, what the
sink saw arrive, and what the database says. Nothing here imports the program: a misunderstanding shared by both sides
would hide the very faults that are sought.
"""
