"""Hints from schedulers to workers through Kafka. Kafka makes them fast and is never asked for more than that."""
