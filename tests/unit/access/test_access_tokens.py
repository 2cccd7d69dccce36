import base64
import json
import secrets
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from distributedjob.access.access_tokens import AUDIENCE, ISSUER, AccessTokens
from distributedjob.model.errors import Unauthenticated
from distributedjob.model.instant import MINUTE, SECOND

NOW = 1_800_000_000 * SECOND
KEY = secrets.token_bytes(32)


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens(KEY)


def good_claims() -> dict[str, object]:
    start = NOW // SECOND
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "7",
        "iat": start,
        "nbf": start,
        "exp": start + 900,
        "typ": "access",
        "jti": "0" * 32,
        "epoch": 0,
    }


def signed(claims: dict[str, object], *, key: object = KEY, algorithm: str = "HS256", kid: str | None = None) -> str:
    ours = jwt.get_unverified_header(AccessTokens(KEY).issue(user_id=1, epoch=0, now=NOW))["kid"]
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": ours if kid is None else kid})


def refused(tokens: AccessTokens, token: str, *, now: int = NOW) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        tokens.read(token, now=now)
    return refusal.value.code


def test_a_token_speaks_for_its_user_and_epoch(tokens):
    claims = tokens.read(tokens.issue(user_id=7, epoch=3, now=NOW), now=NOW + MINUTE)

    assert (claims.user_id, claims.epoch, claims.expires_at) == (7, 3, NOW + 15 * MINUTE)


def test_the_forged_tokens_below_differ_from_a_valid_one_by_one_thing_each(tokens):
    assert tokens.read(signed(good_claims()), now=NOW).user_id == 7


def test_a_token_expires_after_15_minutes(tokens):
    assert refused(tokens, tokens.issue(user_id=7, epoch=0, now=NOW), now=NOW + 15 * MINUTE) == "token_expired"


def test_a_token_is_not_valid_before_it_was_issued(tokens):
    assert refused(tokens, tokens.issue(user_id=7, epoch=0, now=NOW + MINUTE)) == "token_invalid"


def test_a_lifetime_over_15_minutes_cannot_be_configured():
    with pytest.raises(ValueError, match="at most"):
        AccessTokens(KEY, lifetime=timedelta(minutes=16))


def test_a_short_key_cannot_be_used():
    with pytest.raises(ValueError, match="too short"):
        AccessTokens(b"secret")


def test_a_token_without_signature_is_refused(tokens):
    header = jwt.get_unverified_header(signed(good_claims()))
    parts = [json.dumps({**header, "alg": "none"}), json.dumps(good_claims())]
    forged = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts) + "."

    assert refused(tokens, forged) == "token_invalid"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_is_refused_even_with_our_key(tokens, algorithm):
    assert refused(tokens, signed(good_claims(), key=KEY * 2, algorithm=algorithm)) == "token_invalid"
    assert refused(AccessTokens(KEY * 2), signed(good_claims(), key=KEY * 2, algorithm=algorithm)) == "token_invalid"


def test_an_rsa_signature_is_refused(tokens):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    assert refused(tokens, signed(good_claims(), key=pem, algorithm="RS256")) == "token_invalid"


def test_a_token_of_another_key_is_refused(tokens):
    assert refused(tokens, signed(good_claims(), key=secrets.token_bytes(32))) == "token_invalid"


@pytest.mark.parametrize("kid", ["", "../../../dev/null", "' OR 1=1 --", "0123456789abcdef"])
def test_a_key_id_that_is_not_ours_is_refused(tokens, kid):
    assert refused(tokens, signed(good_claims(), kid=kid)) == "token_invalid"


@pytest.mark.parametrize("name", sorted(good_claims()))
def test_every_claim_is_required(tokens, name):
    claims = {key: value for key, value in good_claims().items() if key != name}

    assert refused(tokens, signed(claims)) == "token_invalid"


@pytest.mark.parametrize(
    ("name", "value"),
    [("iss", "someone"), ("aud", "other-api"), ("typ", "refresh"), ("sub", "admin"), ("exp", "soon"), ("epoch", None)],
)
def test_a_wrong_claim_is_refused(tokens, name, value):
    assert refused(tokens, signed({**good_claims(), name: value})) == "token_invalid"


@pytest.mark.parametrize("garbage", ["", ".", "a.b.c", "x" * 5000, "é.ü.ß", "eyJhbGciOiJIUzI1NiJ9..", "\0"])
def test_garbage_is_refused(tokens, garbage):
    assert refused(tokens, garbage) == "token_invalid"
