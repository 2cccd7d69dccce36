"""Who is alive, who owns which shard, who leads. Speed and order only: safety is in the database's statements."""
