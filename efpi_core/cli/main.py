"""The command `efpi`."""

import io
import os
import sys
from collections.abc import Sequence

from efpi_core.errors import EfpiError


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run_command(sys.argv[1:]))


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code. A user's mistake gets a sentence and a cure, never a trace."""
    from efpi_core.cli.exit_code import ExitCode, exit_code  # noqa: PLC0415  # `efpi run` listens before all else
    from efpi_core.cli.plain import plain_text  # noqa: PLC0415  # likewise
    from efpi_core.cli.screen import complain  # noqa: PLC0415  # likewise

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no arrow is no reason to fail
    try:
        return _dispatch(arguments)
    except EfpiError as error:
        complain(error, as_json="--json" in arguments)
        return exit_code(error)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as error:
        if os.environ.get("EFPI_DEBUG"):
            raise
        what = plain_text(f"{type(error).__name__}: {error}")
        sys.stderr.write(f"efpi: an error that nobody expected: {what}\n")
        sys.stderr.write("  → run it again with EFPI_DEBUG=1 for the trace, and report it\n")
        return ExitCode.BUG


def _dispatch(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["run"]:
        from efpi_core.cli.run_options import plain_options  # noqa: PLC0415  # the rest is not loaded for a plain run

        options = plain_options(arguments[1:])
        if options is not None:
            from efpi_core.cli.run import run  # noqa: PLC0415

            return run(options)
    from efpi_core.cli.commands import run_full  # noqa: PLC0415

    return run_full(arguments)
