"""DistributedJob: a task scheduler that records every due fire and calls your endpoints."""

__version__ = "0.1.0"
