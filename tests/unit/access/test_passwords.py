import pytest

from distributedjob.access.passwords import COST, NOBODY, check_strength, hash_password, is_password
from distributedjob.model.errors import Invalid

GOOD = "violet-otter-climbs-quietly-7"


@pytest.fixture(scope="module")
def hashed() -> str:
    return hash_password(GOOD)


def test_a_hash_is_bcrypt_at_cost_12_or_more(hashed):
    _, algorithm, cost, _ = hashed.split("$")

    assert (algorithm, int(cost) >= 12) == ("2b", True)


def test_the_right_password_is_accepted(hashed):
    assert is_password(GOOD, hashed=hashed)


def test_another_password_is_refused(hashed):
    assert not is_password(GOOD + "x", hashed=hashed)


def test_long_passwords_that_differ_behind_72_bytes_are_different():
    hashed = hash_password("a" * 80 + "1")

    assert not is_password("a" * 80 + "2", hashed=hashed)


def test_a_long_password_is_accepted_whole():
    assert is_password("ü" * 1000, hashed=hash_password("ü" * 1000))


def test_a_nul_does_not_end_a_password():
    assert not is_password("abc\0xyz", hashed=hash_password("abc\0def"))


def test_a_password_is_the_same_however_its_accents_are_composed():
    assert is_password("cafe\u0301-olé-noir", hashed=hash_password("caf\u00e9-olé-noir"))


def test_checking_for_an_unknown_name_costs_as_much_as_for_a_known_one():
    assert NOBODY.split("$")[2] == str(COST)


def test_a_strong_password_passes():
    check_strength(GOOD, field="password", name="admin")


@pytest.mark.parametrize(
    "weak", ["short", "a" * 40, "changeme-1234", "Password12345", "admin-12345678", "changeit!!!!!", "x" * 1025]
)
def test_a_weak_password_is_refused_with_its_field(weak):
    with pytest.raises(Invalid) as refusal:
        check_strength(weak, field="password", name="admin")

    assert [error.field for error in refusal.value.errors] == ["password"]
