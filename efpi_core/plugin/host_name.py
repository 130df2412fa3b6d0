"""Names and addresses of hosts, as settings hold them."""

import string

HOST_CHARACTERS = frozenset(string.ascii_letters + string.digits + "._:%-")
"""What names and addresses of hosts consist of."""


def require_host_characters(host: str) -> None:
    """Raises ValueError for what can be no name or address; whether there is such a host is not looked up."""
    if not HOST_CHARACTERS.issuperset(host):
        raise ValueError(f"host {host!r} is no name or address; give letters, digits and . - : % only")
