"""Processes on the broker that all tests share, each test under a prefix of its own."""

from collections.abc import AsyncIterator

import pytest

from support.kafka_post import KafkaPost, access_to


@pytest.fixture
async def post(kafka_servers: tuple[str, ...]) -> AsyncIterator[KafkaPost]:
    async with KafkaPost(access_to(kafka_servers), queues=("default", "other")) as post:
        yield post
