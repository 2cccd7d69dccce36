"""What can go wrong with the database, in our words."""

from distributedjob.model.errors import Invalid, Unavailable


class StoreUnavailable(Unavailable):
    """The database cannot be reached, or the answer to a commit was lost: it may or may not have happened."""

    code = "database_unavailable"


class Contended(StoreUnavailable):
    """Others held the rows, try after try; nothing happened."""

    code = "database_contended"


class ReadOnly(StoreUnavailable):
    """The server takes no writes: a replica, or a primary that was demoted; nothing happened."""

    code = "database_read_only"


class Denied(StoreUnavailable):
    """The server refuses our user, password or database: an outage for whoever is at work, a wrong setting for whoever
    starts."""

    code = "database_denied"


class TooLong(Invalid):
    """One statement is longer than the server allows; a smaller batch, or a smaller row, may pass."""

    code = "too_long_for_database"


class DuplicateKey(Exception):
    """A unique key refused a row."""
