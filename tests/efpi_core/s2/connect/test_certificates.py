"""Own certificates: what is shown, what is pinned of a chain, and what outlives a renewal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from pydantic import TypeAdapter, ValidationError

from efpi_core.s2.connect.certificates import Identity, authority_in, fingerprint, fingerprint_text
from efpi_core.s2.connect.wire import Url

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def identity() -> Identity:
    return Identity.new(("hub.local", "192.168.1.7"), NOW)


def test_a_leaf_is_for_its_names_and_vouched_for_by_an_authority_that_vouches_for_nothing_else() -> None:
    made = identity()
    leaf, authority = x509.load_der_x509_certificate(made.leaf), x509.load_der_x509_certificate(made.authority)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["hub.local"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["192.168.1.7"]
    leaf.verify_directly_issued_by(authority)
    limits = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (limits.ca, limits.path_length) == (True, 0)
    assert leaf.not_valid_after_utc - NOW == timedelta(days=180)


def test_an_identity_is_kept_and_read_and_shows_no_key() -> None:
    made = identity()
    assert Identity.of(made.kept()) == made
    assert "PRIVATE KEY" not in repr(made)
    for spoiled in (None, {}, [], made.kept() | {"leaf": "?"}, made.kept() | {"renew_at": "soon"}):
        assert Identity.of(spoiled) is None


def test_a_leaf_is_renewed_after_three_months_for_other_names_and_after_a_clock_that_was_wrong() -> None:
    made = identity()
    names = made.names
    assert not made.due(names, NOW + timedelta(days=89))
    assert made.due(names, NOW + timedelta(days=90))
    assert made.due(("other.local",), NOW)
    assert made.due(names, NOW - timedelta(days=365))
    again = made.renewed(names, NOW + timedelta(days=90))
    assert again.authority == made.authority
    assert again.leaf != made.leaf


def test_what_is_pinned_is_the_last_that_vouches_for_all_before_it() -> None:
    made, other = identity(), identity()
    assert authority_in((made.leaf, made.authority)) == made.authority
    assert authority_in((made.leaf,)) == made.leaf
    assert authority_in((made.leaf, other.authority)) == made.leaf
    assert authority_in((made.leaf, made.authority, other.authority)) == made.authority
    assert authority_in((made.leaf, b"no certificate")) == made.leaf
    assert authority_in((b"no certificate", made.authority)) == b"no certificate"


def test_a_fingerprint_is_written_with_colons() -> None:
    text = fingerprint_text(identity().leaf)
    assert len(text) == 95
    assert text.upper() == text
    assert fingerprint(b"x").hex(":").upper() == fingerprint_text(b"x")


def test_two_identities_are_never_the_same() -> None:
    assert identity() != identity()
    assert replace(identity()).names == ("hub.local", "192.168.1.7")


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.local/",
        "https://",
        "https:///x",
        "https://a:b@hub.local/",
        "https://hub..local/",
        f"https://{'x' * 64}.local/",
        "https://hub.local:99999/",
        "https://hub.local:0/",
        "https://[::1/",
        "https://hüb.local/",
        "https://hub.local/\n",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_address_is_not_called(url: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Url).validate_python(url)
