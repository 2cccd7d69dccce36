"""Names every test may ask for: databases, the running program, a target to call."""

pytest_plugins = ["support.servers", "support.program", "support.http_target"]
