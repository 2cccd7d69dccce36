"""From what a person types, a name or an id, to the task."""

from typing import TYPE_CHECKING, Any

from distributedjob.model.errors import NotFound

if TYPE_CHECKING:
    from distributedjob.cli.client import Client

Json = dict[str, Any]


def get_task(client: "Client", reference: str) -> Json:
    """The task with this name or id; a name wins, since an id is easy to look up and a name may be all digits."""
    found = find_task_named(client, reference) or _find_by_id(client, reference)
    if found is None:
        raise NotFound(f"there is no task with the name or id '{reference}'; 'distributedjob task list' shows them all")
    return found


def find_task_named(client: "Client", name: str) -> Json | None:
    tasks = client.items("/v1/tasks", name=name, limit=1)
    return next((task for task in tasks if task["name"] == name), None)


def _find_by_id(client: "Client", reference: str) -> Json | None:
    if not reference.isascii() or not reference.isdigit():
        return None
    try:
        found: Json = client.get(f"/v1/tasks/{reference}")
    except NotFound:
        return None
    return found
