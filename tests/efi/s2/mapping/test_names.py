"""Names as UUIDs."""

from uuid import uuid4, uuid5

from hypothesis import example, given
from hypothesis import strategies as st

from efi.s2.mapping.names import NAMESPACE, is_uuid, uuid_of

NAMES = st.one_of(st.text(), st.from_regex("[0-9A-Za-z_:-]{2,64}", fullmatch=True), st.uuids().map(str))


@given(NAMES)
@example("b063e2bc-a6d0-5492-a8ae-b941bbc0dedb\n")
@example("{b063e2bc-a6d0-5492-a8ae-b941bbc0dedb}"[:36])
@example("b063e2bca6d05492a8aeb941bbc0dedb")
@example("b063e2bc-a6d0-5492-a8ae-b941bbc0de_b")
def test_a_name_that_is_no_uuid_becomes_the_one_of_version_5(name: str) -> None:
    if not is_uuid(name):
        try:
            assert uuid_of(name) == str(uuid5(NAMESPACE, name))
        except UnicodeEncodeError:
            assert not name.isascii()  # a lone surrogate, which no identifier holds
        assert uuid_of("a-name") == str(uuid5(NAMESPACE, "a-name"))


def test_a_uuid_stays_as_it_is_written() -> None:
    name = str(uuid4())
    assert uuid_of(name) == name
    assert uuid_of(name.upper()) == name.upper()
    assert is_uuid(uuid_of("a-name"))
