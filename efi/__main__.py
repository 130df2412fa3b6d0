"""The interface's own command, `efi`."""

import io
import os
import sys
from collections.abc import Sequence

from efi.command.main import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the answer is its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no arrow is no reason to fail
    try:
        return run(sys.argv[1:] if arguments is None else arguments)
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
