"""Logins, users and API tokens in JSON."""

from typing import Literal

from pydantic import Field

from distributedjob.api.rest.wire.base import TRIMMED, Id, Name, Shown, ShownInstant, Whole, Wire, shown_instant
from distributedjob.model.instant import to_rfc3339
from distributedjob.model.person import ApiToken, User


class LoginIn(Wire):
    username: str = Field(min_length=1, max_length=64, pattern=TRIMMED, examples=["admin"])
    password: str = Field(min_length=1, max_length=1024)


class UserShown(Shown):
    id: Id
    username: str
    department_id: Id

    @classmethod
    def of(cls, user: User) -> "UserShown":
        return cls(id=str(user.id), username=user.name, department_id=str(user.department_id))


class LoginShown(Shown):
    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="seconds")
    user: UserShown


class PasswordIn(Wire):
    current_password: str = Field(min_length=1, max_length=1024)
    new_password: str = Field(min_length=12, max_length=1024)


class TokenIn(Wire):
    name: Name = Field(max_length=64, examples=["deploy"])
    days: Whole | None = Field(default=None, ge=1, le=3650, description="until it expires; null: never")


class TokenShown(Shown):
    id: Id
    name: str
    created_at: ShownInstant
    expires_at: ShownInstant | None

    @classmethod
    def of(cls, token: ApiToken) -> "TokenShown":
        return cls(
            id=str(token.id),
            name=token.name,
            created_at=to_rfc3339(token.created_at),
            expires_at=shown_instant(token.expires_at),
        )


class NewTokenShown(TokenShown):
    token: str = Field(description="shown this once")
