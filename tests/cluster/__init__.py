"""The fault campaign of a cluster: schedulers and workers as processes of their own, and everything beside them harmed.

    python -m cluster --faults 150 --seed 1          (with `tests` on the path; `make cluster-faults`)

A *leg* starts a database, where wanted etcd, Kafka and Redis, and the nodes, each behind relays of its own to each
neighbour; *troubles* are done to nodes, networks and neighbours while a person changes tasks; then the books of `rig`
and of this package are checked. Long campaigns run leg by leg and go on where they were ended.
"""
