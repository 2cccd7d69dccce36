"""People who may use the installation, and the tokens they give to programs."""

from dataclasses import dataclass

from distributedjob.model.instant import Instant


@dataclass(frozen=True, slots=True)
class User:
    """`epoch` grows when the password or the status changes: access tokens of an older one are void."""

    id: int
    name: str
    password_hash: str
    department_id: int
    active: bool
    epoch: int


@dataclass(frozen=True, slots=True)
class Account:
    """A user as a request needs it. `revoked`: ids of access tokens that ended before their time."""

    id: int
    name: str
    department_id: int
    active: bool
    epoch: int
    revoked: frozenset[str]


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as it is listed: its secret was shown once and is not kept."""

    id: int
    user_id: int
    name: str
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None

    def is_valid(self, now: Instant) -> bool:
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
