"""The few statements that carry the load: set-based, by hand, one file per dialect."""
