"""The proof of the pairing token, against vectors that OpenSSL made, and a code's form."""

import re

import pytest

from efpi_core.s2.connect.challenge import Binding, key_of, new_challenge, proves, response
from efpi_core.s2.connect.code import ALPHABET, PairingCode, TokenDesk, new_token

CHALLENGE = bytes(range(32))

LAN_EXPECTED = "c20d98f68baad155e9e138c461a201389b8f980872fad464d7ccfc480aeb7b60"
WAN_EXPECTED = "50593bc0b2edf9c969b795f01f7cf24607c1a00791f8dfa354ce957b100224bb"


def test_the_proof_is_what_openssl_makes_of_token_and_fingerprint() -> None:
    """printf '%s' Abc123 | cat - <(printf 'leaf' | openssl dgst -sha256 -binary) |
    openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f"""
    assert response(CHALLENGE, "Abc123", Binding.to_certificate(b"leaf")).hex() == LAN_EXPECTED


def test_the_proof_is_what_openssl_makes_of_token_and_domain() -> None:
    """printf '%s' Abc123pairing.example.com | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f"""
    assert response(CHALLENGE, "Abc123", Binding.to_domain("pairing.example.com")).hex() == WAN_EXPECTED


def test_a_proof_holds_for_its_challenge_token_and_server_only() -> None:
    here, there = Binding.to_certificate(b"here"), Binding.to_certificate(b"there")
    proof = response(CHALLENGE, "Abc123", here)
    assert proves(proof, CHALLENGE, "Abc123", here)
    assert not proves(proof, CHALLENGE, "Abc124", here)
    assert not proves(proof, CHALLENGE, "Abc123", there)
    assert not proves(proof, new_challenge(), "Abc123", here)
    assert not proves(b"", CHALLENGE, "Abc123", here)


def test_challenges_of_one_key_are_one() -> None:
    here = Binding.to_certificate(b"here")
    for other in (CHALLENGE + b"\0", CHALLENGE + b"\0" * 32):
        assert response(CHALLENGE, "Abc123", here) == response(other, "Abc123", here)
        assert key_of(other) == key_of(CHALLENGE)
    assert key_of(CHALLENGE + b"\1") != key_of(CHALLENGE)
    assert len(key_of(b"x" * 1000)) == 64


@pytest.mark.parametrize(
    ("text", "alias", "token"), [("Abc1", None, "Abc1"), ("A1-Abc1", "A1", "Abc1"), (" 7-12345678 ", "7", "12345678")]
)
def test_a_code_is_a_token_and_perhaps_an_alias(text: str, alias: str | None, token: str) -> None:
    code = PairingCode.parse(text)
    assert (code.alias, code.token) == (alias, token)
    assert code.text == text.strip()
    assert token not in repr(code)


@pytest.mark.parametrize("text", ["", "abc", "-abcd", "a-b-cdef", "äbcd", "ab cd", "A1-abc", "x" * 500, "A1–abcd"])
def test_what_is_no_code_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(ValueError, match="letters and digits") as caught:
        PairingCode.parse(text)
    assert len(text) < 4 or text not in str(caught.value)


def test_tokens_are_long_readable_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch(rf"[{ALPHABET}]{{10}}", token) for token in tokens)
    assert len(ALPHABET) ** 10 > 2**57


def test_a_dynamic_token_ends_and_is_spent_and_a_static_one_is_neither() -> None:
    desk = TokenDesk("stickerTOKEN1")
    token = desk.issue(now=0.0)
    assert desk.valid(299.0) == token
    assert desk.valid(300.0) == "stickerTOKEN1"
    token = desk.issue(now=400.0)
    desk.spend(token)
    assert desk.valid(401.0) == "stickerTOKEN1"
    desk.spend("stickerTOKEN1")
    assert desk.valid(402.0) == "stickerTOKEN1"


@pytest.mark.parametrize("token", ["", "short", "elevenchars", "with-a-dash-in-it"])
def test_a_static_token_that_is_soon_guessed_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="12 to 128"):
        TokenDesk(token)
