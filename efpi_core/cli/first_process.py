"""The gateway as the first process of a container: a parent that passes signals on and buries whoever was orphaned."""

import os
import signal

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def part_from_first_process() -> int | None:
    """In the first process, make a second one that goes on: None there. In the first one, its exit code when it ended.

    What a plugin leaves behind becomes the first process's child; nobody else could bury it. Everywhere else, None.
    """
    if os.getpid() != 1:
        return None
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # none is lost before there is somebody to pass it on to
    second = os.fork()
    if second == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        return None
    for number in PASSED_ON:
        signal.signal(number, lambda told, frame: os.kill(second, told))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    while True:
        gone, status = os.wait()
        if gone == second:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
