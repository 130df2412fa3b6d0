"""Where a server listens, as its settings say it."""

from ipaddress import ip_address


def on_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches a server at this address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def url_at(host: str, port: int, path: str, *, encrypted: bool) -> str:
    """Where a WebSocket server is called, for people; the path begins with a slash."""
    shown = f"[{host}]" if ":" in host else host
    return f"{'wss' if encrypted else 'ws'}://{shown}:{port}{path}"
