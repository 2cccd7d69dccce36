"""What can go wrong with the database, in our words."""

from distributedjob.model.errors import Unavailable


class StoreUnavailable(Unavailable):
    """The database cannot be reached, or the answer to a commit was lost: it may or may not have happened."""

    code = "database_unavailable"


class DuplicateKey(Exception):
    """A unique key refused a row."""
