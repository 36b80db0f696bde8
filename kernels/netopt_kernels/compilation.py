"""Compile kernels ahead of their first use, on all cores, with a line that says how far it is."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

# Those that need longest come first: what is short fills the gaps at the end.
FOR_PLANS = ("grooming", "paths", "loads", "spectrum", "modules", "bulk")
ALL = (*FOR_PLANS, "disjoint", "sweeps", "rwa", "moves", "packing")
# Inner functions that these share are compiled once by a process that takes them all.
_KIN = frozenset({"grooming", "loads", "sweeps", "moves", "packing"})

_COMMAND = "from netopt_kernels.__main__ import work; work()"
_TICK_S = 0.5
_taking = threading.Lock()


class _Progress:
    """One line that says what is compiled: rewritten on a terminal, else written anew at every change."""

    def __init__(self, parts: Sequence[str], stream: TextIO) -> None:
        self.stream, self.total, self.started = stream, len(parts), time.perf_counter()
        self.running: list[str] = []
        self.done = 0
        self._lock = threading.Lock()
        self._shown = ""

    def begin(self, part: str) -> None:
        """Note that a part is at work, and say so."""
        with self._lock:
            self.running.append(part)
        self.show()

    def end(self, part: str) -> None:
        """Note that a part is done; say so after the last."""
        with self._lock:
            self.running.remove(part)
            self.done += 1
        if self.done == self.total:
            self.show()

    def show(self) -> None:
        """Write how things stand."""
        with self._lock:
            seconds = time.perf_counter() - self.started
            line = f"compiling kernels, once after installation: {self.done} of {self.total}, {seconds:.0f} s"
            if self.running:
                line += f", at work on {' and '.join(self.running).replace('_', ' ')}"
            if self.stream.isatty():
                end = "\n" if self.done == self.total else ""
                self.stream.write("\r" + line.ljust(len(self._shown)) + end)
            else:
                self.stream.write(line + "\n")
            self.stream.flush()
            self._shown = line


def compile_kernels(parts: Sequence[str], stream: TextIO) -> bool:
    """Fill numba's cache on disk with compiled kernels.

    Parameters
    ----------
    parts : sequence of str
        What to compile: ``FOR_PLANS`` or ``ALL``.
    stream : file
        Where to say how far it is.

    Returns
    -------
    bool
        Whether all went well; if not, the reason has been written to standard error, and the kernels are
        compiled when they are first called.

    Examples
    --------
    >>> import sys
    >>> from netopt_kernels.compilation import FOR_PLANS, compile_kernels
    >>> compile_kernels(FOR_PLANS, sys.stderr)  # doctest: +SKIP
    True
    """
    progress, waiting = _Progress(parts, stream), list(parts)
    children = [_child() for _ in range(min(_cores(), len(parts)))]
    threads = [threading.Thread(target=_feed, args=(child, waiting, progress)) for child in children]
    try:
        for thread in threads:
            thread.start()
        while threads := [thread for thread in threads if thread.is_alive()]:
            threads[0].join(_TICK_S)
            if stream.isatty():
                progress.show()
    except BaseException:
        for child in children:
            child.kill()
        raise
    finally:
        for child in children:
            child.wait()
    return progress.done == progress.total


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _child() -> subprocess.Popen[str]:
    """Start an interpreter that compiles the parts named on its standard input."""
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return subprocess.Popen(
        [sys.executable, "-c", _COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        process_group=0,  # Ctrl-C is the parent's to handle
    )


def _take(waiting: list[str], last: str | None) -> str | None:
    """Take a part that has much in common with the last one, if there is such, else the longest."""
    with _taking:
        kin = [part for part in waiting if last is not None and (part in _KIN) == (last in _KIN)]
        part = next(iter(kin or waiting), None)
        if part is not None:
            waiting.remove(part)
        return part


def _feed(child: subprocess.Popen[str], waiting: list[str], progress: _Progress) -> None:
    """Hand parts to a child, one after another, until none is left or it fails."""
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("the process has no pipes")
    with suppress(BrokenPipeError), child.stdin as tasks, child.stdout as answers:
        part = None
        while part := _take(waiting, part):
            progress.begin(part)
            print(part, file=tasks, flush=True)
            if not answers.readline():
                break  # it has ended: its traceback is on standard error
            progress.end(part)
