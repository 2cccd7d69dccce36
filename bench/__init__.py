"""What the program can carry on this machine, each figure beside a floor measured in the same run.

`python -m bench` runs every scenario with medians, `python -m bench --quick` a shorter version of each. Results go to
`bench/results/latest.json` (one object per figure) and `latest.md` (the same as a table). A floor is the same calls
to the same sink, made by a bare timer with nothing durable behind it: a ratio to it survives a change of machine.
"""
