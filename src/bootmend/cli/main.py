"""The command line: parses, calls, prints; decides nothing.

`main` runs the command in a child process. What is read off a disk is hostile and part of the
reading is done by C libraries: a crash there ends the child, and the parent turns it into one
sentence and an exit code. Exit codes: docs/guide.md.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

from bootmend.cli.options import take_global_options
from bootmend.cli.secrets import hushed, keep_secret
from bootmend.cli.visible import visible
from bootmend.errors import BootmendError, Refused
from bootmend.texts import say

FAULT = 5
"""Exit code of a fault in bootmend itself."""
INTERRUPTED = 130
UNREAD = 141
"""Nobody read our output to its end: what a shell says of a program that SIGPIPE ended."""
UNUSABLE = 4
"""The operating system said no, or a reader crashed on what is on the disk."""

_STOPPERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOPPED_BY: list[int] = []
"""The signal that ended this command, other than Ctrl-C."""


def main() -> None:
    """Entry point of `bootmend`; never returns."""
    arguments, settings = take_global_options(sys.argv[1:])
    sys.exit(_in_child(lambda: _run(arguments, debug=settings.debug)))


def _run(arguments: list[str], *, debug: bool) -> int:
    """Runs one command line and gives its exit code; every deliberate error becomes a sentence on stderr."""
    keep_secret(arguments)
    try:
        from bootmend.cli.app import app
        from bootmend.cli.az_words import translated

        outcome = app(translated(arguments), standalone_mode=False)
    except BootmendError as error:
        if debug:
            _write(traceback.format_exc())
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        return _interrupted()
    except (BrokenPipeError, SystemExit):
        # The reader of our output went away (`| head`); click and rich make a SystemExit of it. What was
        # still to be told or done was not, so this is no success: a pipeline may look at our exit code.
        return _unread()
    except MemoryError:
        if debug:
            _write(traceback.format_exc())
        _write(say("cli.no_memory") + "\n")
        return UNUSABLE
    except OSError as error:
        # Not the disk's fault nor ours: a full or forbidden place, a name too long.
        if debug:
            _write(traceback.format_exc())
        _write(say("cli.system", error=error) + "\n")
        return UNUSABLE
    except Exception as error:
        import typer

        if isinstance(error, typer.Exit):
            return int(error.exit_code)
        if isinstance(error, typer.Abort):
            return _interrupted()
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):
            _usage(error)
            return 2
        if debug:
            _write(traceback.format_exc())
        _write(say("cli.fault", kind=type(error).__name__, error=error) + "\n")
        return FAULT
    if outcome == INTERRUPTED:  # typer makes it of every KeyboardInterrupt
        return _stopped()
    return outcome if isinstance(outcome, int) else 0


def _write(text: str) -> None:
    sys.stderr.write(hushed(text))


def _interrupted() -> int:
    _write(say("cli.interrupted") + "\n")
    return _stopped()


def _stopped() -> int:
    """The exit code of a command that a signal ended."""
    return 128 + _STOPPED_BY[0] if _STOPPED_BY else INTERRUPTED


def _unread() -> int:
    """The exit code where nobody reads our output any more; what is still in its buffer goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return UNREAD


def _complain(error: BootmendError) -> None:
    if isinstance(error, Refused):
        _write(visible(say("cli.refused", reason=error.reason)) + "\n")
        if error.next_step:
            _write(visible(say("cli.next_step", step=error.next_step)) + "\n")
        return
    _write(visible(f"bootmend: {error}") + "\n")


def _usage(error: Exception) -> None:
    """The usual usage message of a wrong command line."""
    context = getattr(error, "ctx", None)
    if context is not None:
        _write(context.get_usage() + "\n")
        _write(say("cli.try_help", command=context.command_path) + "\n")
    message = error.format_message()  # type: ignore[attr-defined]
    if message:
        _write(f"bootmend: {message}\n")


def _in_child(work: Callable[[], int]) -> int:
    """Runs `work` in a forked child and gives its exit code; a child that crashed gives a sentence and a code."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    # Held back until both sides know what to do with them.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPERS)
    child = os.fork()
    if child == 0:
        code = FAULT
        try:
            _die_with(parent)
            _stop_in_good_order()
            code = _told(work)
        finally:
            os._exit(code)
    # Ctrl-C and a closed terminal reach the child as well; the parent waits for it to leave things whole.
    # It must outlive it: the child dies with its parent, in the middle of a write if need be.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def hand_on(number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):  # it had the signal, too, and is gone already
            os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, hand_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPERS)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        ended_by = os.WTERMSIG(status)
        if ended_by in _STOPPERS:
            return 128 + ended_by
        _write(say("cli.crashed", signal=signal.Signals(ended_by).name) + "\n")
        return UNUSABLE if ended_by in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE) else FAULT
    return os.WEXITSTATUS(status)


def _told(work: Callable[[], int]) -> int:
    """The exit code of `work`, once all it said is out."""
    try:
        # Windows' names may hold what no terminal's alphabet has.
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        code = work()
        sys.stdout.flush()
        sys.stderr.flush()
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        return _unread()
    except OSError as error:
        _write(say("cli.system", error=error) + "\n")
        return UNUSABLE
    return code


def _stop_in_good_order() -> None:
    """SIGTERM and a closed terminal end a command as Ctrl-C does: what is half written is put back first."""

    def stop(number: int, _frame: object) -> None:
        _STOPPED_BY.append(number)
        for again in (signal.SIGTERM, signal.SIGHUP):  # a closing terminal says so more than once
            signal.signal(again, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPERS)


PR_SET_PDEATHSIG = 1


def _die_with(parent: int) -> None:
    """The child ends when its parent is killed: nobody is left to answer for what it would go on doing."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(FAULT)
