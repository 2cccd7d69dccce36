"""The protocol as an explicit-state model: every state that two schedulers, two workers, a database and their faults
can reach, searched breadth first.

It imports nothing of the program. What ties it to the code is a table (`step.py`: each step names the functions whose
transaction it is, and a test looks for them) and the contract in docs/semantics.md. `python -m model` prints what was
searched; `python -m model --broken` prints the shortest way into trouble of every broken variant.
"""
