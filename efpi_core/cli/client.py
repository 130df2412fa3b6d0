"""Speaks to the running gateway over the Unix socket in its home."""

import getpass
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from efpi_core.cli.exit_code import NoGatewayError
from efpi_core.errors import EfpiError, RefusedError, SettingsError, TryAgainError
from efpi_core.http.unix_socket import reachable

ANSWER_S = 10.0
"""A gateway that takes longer hangs."""

APPLY_S = 120.0
"""Applying a site watches it for a while before it answers."""


class RefusedDocumentError(SettingsError):
    """A refusal of a site document, with all its mistakes as the gateway told them."""

    def __init__(self, path: str, problem: str, cure: str, problems: list[dict[str, Any]]) -> None:
        super().__init__(path, problem, cure)
        self.problems = tuple(Mistake(told) for told in problems)

    def __str__(self) -> str:
        """One line a mistake."""
        return "\n".join(map(str, self.problems)) or super().__str__()


class Mistake:
    """One mistake in a document, as it came over the line."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told

    def as_json(self) -> dict[str, Any]:
        """As it came."""
        return self._told

    def __str__(self) -> str:
        """`line 12, column 5: path: what is wrong; the cure`."""
        line, column = self._told.get("line"), self._told.get("column")
        where = f"line {line}, column {column}: " if line is not None else ""
        path = f"{self._told.get('path')}: " if self._told.get("path") else ""
        cure = f"; {self._told.get('cure')}" if self._told.get("cure") else ""
        return f"{where}{path}{self._told.get('problem', '')}{cure}"


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over the socket of a home."""

    def __init__(self, home: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._home = home

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with reachable(self._home) as path:
            self.sock.connect(path)

    def answer(self, method: str, path: str, content: str | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Ask, and wait for the answer to begin; closed when none comes."""
        try:
            self.request(method, path, content, headers)
            return self.getresponse()
        except BaseException:
            self.close()
            raise


class GatewayClient:
    """The gateway that lives in a home."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @property
    def runs(self) -> bool:
        """Whether a gateway answers."""
        try:
            self.get("/api/health")
        except NoGatewayError:
            return False
        return True

    def get(self, path: str) -> Any:
        """What the gateway shows at a path."""
        return self._ask("GET", path, None, ANSWER_S)

    def text(self, path: str) -> str:
        """What the gateway shows at a path that is no JSON."""
        connection, answer = self._send("GET", path, None, ANSWER_S)
        try:
            return answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise TryAgainError(f"the gateway's answer broke off: {error}", "see `efpi doctor`") from error
        finally:
            connection.close()

    def put(self, path: str, body: object, timeout_s: float = ANSWER_S, **headers: str) -> Any:
        """Set something."""
        return self._ask("PUT", path, body, timeout_s, **headers)

    def post(self, path: str, body: object = None, timeout_s: float = ANSWER_S) -> Any:
        """Have something done."""
        return self._ask("POST", path, body, timeout_s)

    def call(self, path: str, body: object, timeout_s: float, progress: Callable[[str], None]) -> Any:
        """Have an operation carried out; `progress` hears how far it has come."""
        connection, answer = self._send("POST", path, body, timeout_s, Accept="text/event-stream")
        try:
            for kind, told in _frames(answer):
                match kind:
                    case "progress":
                        progress(str(told["text"]))
                    case "output":
                        return told
                    case "problem":
                        raise _refusal(told)
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            raise TryAgainError(f"the gateway's answer broke off: {error}", "see `efpi doctor`") from error
        finally:
            connection.close()
        raise TryAgainError("the gateway's answer broke off", "see `efpi doctor`")

    def delete(self, path: str) -> None:
        """Take something away."""
        self._ask("DELETE", path, None, ANSWER_S)

    def follow(self, kinds: str) -> Iterator[tuple[str, Any]]:
        """The gateway's changes as they happen, the present first; ends when the gateway ends."""
        connection, answer = self._send("GET", f"/api/events?kinds={kinds}", None, ANSWER_S)
        try:
            yield from _frames(answer)
        except TimeoutError as error:
            raise TryAgainError("the gateway tells nothing any more", "see `efpi doctor`") from error
        except (OSError, http.client.HTTPException) as error:
            raise NoGatewayError("the gateway has ended", "start it again: efpi run") from error
        finally:
            connection.close()

    def _ask(self, method: str, path: str, body: object, timeout_s: float, **headers: str) -> Any:
        connection, answer = self._send(method, path, body, timeout_s, **headers)
        try:
            content = answer.read()
            return json.loads(content) if content else None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TryAgainError(f"the gateway's answer broke off: {error}", "see `efpi doctor`") from error
        finally:
            connection.close()

    def _send(
        self, method: str, path: str, body: object, timeout_s: float, **headers: str
    ) -> tuple[_UnixConnection, http.client.HTTPResponse]:
        connection = _UnixConnection(self._home, timeout_s)
        told = {"Efpi-By": _user(), **{name.replace("_", "-"): value for name, value in headers.items()}}
        content = None if body is None else json.dumps(body)
        if content is not None:
            told["Content-Type"] = "application/json"
        try:
            answer = connection.answer(method, path, content, told)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            raise NoGatewayError(
                f"no gateway runs in {self._home}", "start it with `efpi run`, or name another home with --home"
            ) from error
        except PermissionError as error:
            raise NoGatewayError(
                f"the gateway in {self._home} belongs to another user", "run this command as that user"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise TryAgainError(f"the gateway does not answer: {error}", "see its log, or start it again") from error
        if answer.status >= 400 and path != "/api/health":
            problem = _problem(answer)
            connection.close()
            raise problem
        return connection, answer


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "owner"


def _frames(answer: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    kind = ""
    while line := answer.readline():
        if line.startswith(b"event: "):
            kind = line[7:].strip().decode()
        elif line.startswith(b"data: "):
            yield kind, json.loads(line[6:])


def _problem(answer: http.client.HTTPResponse) -> EfpiError:
    try:
        return _refusal(json.loads(answer.read()) | {"status": answer.status})
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, RecursionError):
        return TryAgainError(f"the gateway answers {answer.status} {answer.reason}", "see its log")


def _refusal(told: dict[str, Any]) -> EfpiError:
    """An answer of application/problem+json."""
    detail, cure = str(told["detail"]), str(told.get("cure", ""))
    match told["status"]:
        case 503:
            return TryAgainError(detail, cure)
        case 422:
            path = str(told.get("path", ""))
            return RefusedDocumentError(path, detail.removeprefix(f"{path}: "), cure, told.get("problems", []))
        case 404 | 409 | 412:
            return RefusedError(detail, cure)
        case _:
            return EfpiError(detail, cure)


def part(name: str) -> str:
    """A name as one part of a path."""
    return quote(name, safe="")
