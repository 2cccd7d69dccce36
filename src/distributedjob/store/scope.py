"""What a principal may see: the one place where rows are narrowed to departments.

Every statement of a verb that names a task, an execution or a backfill goes through `visible`. A row outside is
not found, never forbidden, so that ids of others tell nothing.
"""

from sqlalchemy import ColumnElement, Table, true

from distributedjob.model.identity import Principal


def visible(table: Table, principal: Principal) -> ColumnElement[bool]:
    """The condition that keeps the rows of `table` this principal may see. `table` has a `department_id`."""
    if principal.via == "system":
        return true()
    return table.c.department_id == principal.department_id
