"""Due fires become rows; what has no worker, no room or no time is looked after. One noun per service."""
