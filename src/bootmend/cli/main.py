"""The command line: parses, calls, prints; decides nothing.

`main` runs the command in a child process. What is read off a disk is hostile and part of the
reading is done by C libraries: a crash there ends the child, and the parent turns it into one
sentence and an exit code. Exit codes: docs/user/cli.md.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

from bootmend.cli.options import take_global_options
from bootmend.errors import BootmendError, Refused
from bootmend.texts import say

FAULT = 5
"""Exit code of a fault in bootmend itself."""
INTERRUPTED = 130
CRASHED_READER = 4


def main() -> None:
    """Entry point of `bootmend`; never returns."""
    arguments, settings = take_global_options(sys.argv[1:])
    sys.exit(_in_child(lambda: _run(arguments, debug=settings.debug)))


def _run(arguments: list[str], *, debug: bool) -> int:
    """Runs one command line and gives its exit code; every deliberate error becomes a sentence on stderr."""
    from bootmend.cli.app import app

    try:
        outcome = app(arguments, standalone_mode=False)
    except BootmendError as error:
        if debug:
            traceback.print_exc()
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(say("cli.interrupted") + "\n")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is wrong, and nothing can be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        import typer

        if isinstance(error, typer.Exit):
            return int(error.exit_code)
        if isinstance(error, typer.Abort):
            sys.stderr.write(say("cli.interrupted") + "\n")
            return INTERRUPTED
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            _usage(error)
            return 2
        if debug:
            traceback.print_exc()
        sys.stderr.write(say("cli.fault", kind=type(error).__name__, error=error) + "\n")
        return FAULT
    return outcome if isinstance(outcome, int) else 0


def _complain(error: BootmendError) -> None:
    if isinstance(error, Refused):
        sys.stderr.write(say("cli.refused", reason=error.reason) + "\n")
        if error.next_step:
            sys.stderr.write(say("cli.next_step", step=error.next_step) + "\n")
        return
    sys.stderr.write(f"bootmend: {error}\n")


def _usage(error: Exception) -> None:
    """The usual usage message of a wrong command line."""
    context = getattr(error, "ctx", None)
    if context is not None:
        sys.stderr.write(context.get_usage() + "\n")
        sys.stderr.write(say("cli.try_help", command=context.command_path) + "\n")
    message = error.format_message()  # type: ignore[attr-defined]
    if message:
        sys.stderr.write(f"bootmend: {message}\n")


def _in_child(work: Callable[[], int]) -> int:
    """Runs `work` in a forked child and gives its exit code; a child that crashed gives a sentence and a code."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        code = FAULT
        try:
            _die_with(parent)
            code = work()
            sys.stdout.flush()
            sys.stderr.flush()
        except BrokenPipeError:
            code = 0
        finally:
            os._exit(code)
    # Ctrl-C reaches the child as well; the parent waits for it to leave things whole.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number in (signal.SIGINT, signal.SIGTERM):
            return 128 + number
        sys.stderr.write(say("cli.crashed", signal=signal.Signals(number).name) + "\n")
        return CRASHED_READER if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE) else FAULT
    return os.WEXITSTATUS(status)


PR_SET_PDEATHSIG = 1


def _die_with(parent: int) -> None:
    """The child ends when its parent is killed: nobody is left to answer for what it would go on doing."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(FAULT)
