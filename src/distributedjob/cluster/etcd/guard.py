"""One prefix, one cluster: two installations below the same prefix would take each other's nodes for their own."""

from distributedjob.cluster.etcd.client import EtcdClient
from distributedjob.cluster.etcd.keys import Keys
from distributedjob.model.errors import Conflict


class Guard:
    """`identity` is what all nodes of one database have in common, and nobody else has."""

    def __init__(self, client: EtcdClient, *, keys: Keys, identity: str) -> None:
        self._client = client
        self._keys = keys
        self._identity = identity.encode()

    async def check(self) -> None:
        """Claim the prefix, unless it is ours already. Raises Conflict when it is another's, EtcdAway, Invalid."""
        owner = await self._client.create(self._keys.cluster, self._identity)
        if owner != self._identity:
            raise Conflict(
                f"etcd_prefix: '{self._keys.prefix}' belongs to another cluster, one with another database; set "
                f"etcd_prefix to a name of your own, or delete {self._keys.cluster.decode()} in etcd if that cluster "
                "is gone",
                code="etcd_prefix_taken",
            )
