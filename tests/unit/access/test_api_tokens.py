from distributedjob.access.api_tokens import digest_of, is_api_token, make_api_token


def test_a_token_is_recognised_by_its_prefix():
    assert is_api_token(make_api_token())


def test_an_access_token_is_no_api_token():
    assert not is_api_token("eyJhbGciOiJIUzI1NiJ9.e30.x")


def test_no_two_tokens_are_alike():
    assert len({make_api_token() for _ in range(1000)}) == 1000


def test_a_token_holds_256_random_bits():
    assert len(make_api_token()) == len("dj_") + 43


def test_the_digest_does_not_contain_the_token():
    token = make_api_token()

    assert (len(digest_of(token)), token[3:] in digest_of(token)) == (64, False)
