"""What the program says of itself: log lines worded in one file, metrics, readiness."""
