"""The official schemas, each compiled when it is first asked for."""

from functools import cache
from pathlib import Path

from efi.xml.parser import parse
from efi.xml.schema.compiler import compile_schema
from efi.xml.schema.definition import Schema

FILES = Path(__file__).parent


@cache
def interim_schema() -> Schema:
    """The interim form's, of 2016."""
    return compile_schema(parse((FILES / "efi-interim-2016.xsd").read_bytes()))


@cache
def efi2_schema() -> Schema:
    """EFI 2.0's."""
    return compile_schema(parse((FILES / "efi-2.0.xsd").read_bytes()))
