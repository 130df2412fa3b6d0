"""What the command's exit code says; documented in docs/cli.md."""

from enum import IntEnum

from efpi_core.errors import EfpiError, TryAgainError


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    """Done."""
    REFUSED = 1
    """Refused, or something given is invalid; the message has the cure."""
    USAGE = 2
    """The command line itself is wrong."""
    NO_GATEWAY = 3
    """No gateway runs in this home."""
    DEGRADED = 4
    """Done, and something is not well."""
    TRY_AGAIN = 5
    """The world is not ready: a port or the home is in use. The same command may succeed later."""
    BUG = 70
    """An error that nobody expected (EX_SOFTWARE of sysexits)."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it."""


class NoGatewayError(TryAgainError):
    """No gateway answers in this home."""


def exit_code(error: EfpiError) -> ExitCode:
    """The exit code for an error."""
    match error:
        case NoGatewayError():
            return ExitCode.NO_GATEWAY
        case TryAgainError():
            return ExitCode.TRY_AGAIN
        case _:
            return ExitCode.REFUSED
