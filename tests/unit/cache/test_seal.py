from distributedjob.cache.seal import Seal

SEAL = Seal(b"k" * 32, prefix="dj")
OTHER = Seal(b"o" * 32, prefix="dj")


def test_what_was_sealed_is_opened_at_its_place():
    assert SEAL.open("a", SEAL.close("a", b"content")) == b"content"


def test_it_is_opened_at_no_other_place():
    assert SEAL.open("b", SEAL.close("a", b"content")) is None


def test_another_installation_does_not_open_it():
    assert OTHER.open("a", SEAL.close("a", b"content")) is None


def test_no_byte_of_it_can_be_changed_or_left_out():
    sealed = SEAL.close("a", b"content")
    changed = [sealed[:n] + bytes([sealed[n] ^ 1]) + sealed[n + 1 :] for n in range(len(sealed))]
    shortened = [sealed[:n] for n in range(len(sealed))]

    assert [SEAL.open("a", each) for each in (*changed, *shortened, sealed + b"x")] == [None] * (2 * len(sealed) + 1)


def test_installations_have_names_of_their_own_that_do_not_tell_the_key():
    assert SEAL.place("a") != OTHER.place("a")
    assert SEAL.place("a").startswith("dj:")
    assert (b"k" * 32).hex() not in SEAL.place("a")
