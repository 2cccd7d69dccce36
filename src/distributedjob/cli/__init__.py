"""The command line: `serve` and the operator's commands on this machine, everything else over the public API."""
