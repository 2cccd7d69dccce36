"""Names every test may ask for: databases and the other servers, the running program, a target to call."""

pytest_plugins = [
    "support.program",
    "support.servers",
    "support.redis_server",
    "support.etcd_server",
    "support.kafka_server",
    "support.http_target",
]
