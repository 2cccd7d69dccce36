"""Logging in, who one is, and API tokens."""

from fastapi import APIRouter

from distributedjob.api.rest.dependencies import Address, Api, Caller, Credentials
from distributedjob.api.rest.paths import TokenId
from distributedjob.api.rest.strict_json import StrictJsonRoute
from distributedjob.api.rest.wire.base import Page, to_id
from distributedjob.api.rest.wire.people import (
    LoginIn,
    LoginShown,
    NewTokenShown,
    PasswordIn,
    TokenIn,
    TokenShown,
    UserShown,
)
from distributedjob.services import people

router = APIRouter(prefix="/v1/auth", tags=["auth"], route_class=StrictJsonRoute)


@router.post("/login")
async def login(body: LoginIn, api: Api, address: Address) -> LoginShown:
    """Exchange a user name and a password for an access token of 15 minutes.

    Failures slow further tries down, by account and by address.
    """
    found = await api.authenticator.login(body.username, body.password, address=address)
    return LoginShown(
        access_token=found.access_token,
        token_type="Bearer",  # noqa: S106 - a scheme's name
        expires_in=found.expires_in_seconds,
        user=UserShown.of(found.user),
    )


@router.post("/logout", status_code=204)
async def logout(api: Api, credentials: Credentials) -> None:
    """End the token that was sent, on all nodes: an access token, or the API token of a program."""
    await api.authenticator.log_out(credentials)


@router.get("/userinfo")
async def userinfo(api: Api, caller: Caller) -> UserShown:
    """Show whom the token speaks for."""
    return UserShown.of(await api.desk.read(lambda tx: people.get_user(tx, principal=caller)))


@router.put("/password", status_code=204)
async def change_password(body: PasswordIn, api: Api, caller: Caller, address: Address) -> None:
    """Change one's own password; every access token of this user ends. Not with an API token."""
    await api.authenticator.change_password(
        caller, current=body.current_password, new=body.new_password, address=address
    )


@router.get("/tokens")
async def list_tokens(api: Api, caller: Caller) -> Page[TokenShown]:
    """List one's API tokens; there are at most 100, so there is one page."""
    found = await api.desk.read(lambda tx: people.list_tokens(tx, principal=caller))
    return Page(items=[TokenShown.of(token) for token in found], next_cursor=None)


@router.post("/tokens", status_code=201)
async def create_token(body: TokenIn, api: Api, caller: Caller) -> NewTokenShown:
    """Make an API token for a program. Its text is shown this once. Not with an API token."""
    created, text = await api.authenticator.create_token(caller, name=body.name, days=body.days)
    return NewTokenShown(**TokenShown.of(created).model_dump(), token=text)


@router.delete("/tokens/{token_id:id}", status_code=204)
async def revoke_token(token_id: TokenId, api: Api, caller: Caller) -> None:
    """Revoke one of one's API tokens."""
    await api.authenticator.revoke_token(caller, to_id(token_id))
