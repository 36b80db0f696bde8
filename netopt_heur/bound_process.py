"""The lower bound beside a search: a process of its own, cut off wherever it stands when time is up.

The search never waits for it nor sees it at work, so that its plans stay reproducible. The process has a low
priority: it takes all of a free core, and a small part where every core is searching.
"""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netopt_heur.scenario.scenario import Scenario

NICENESS = 5  # a quarter of a core that a search wants as well (sched(7): weight 335 beside 1024)
_COMMAND = "from netopt_heur.bound_process import main; main()"


class BoundProcess:
    """Computes a lower bound of a scenario from its creation on.

    In a fresh interpreter, not a forked or multiprocessing one: a script that calls the planner at its top
    level is not run a second time.

    Parameters
    ----------
    scenario
        The problem.
    time_limit_s
        By which the bound plans its work, wall clock; None: until nothing improves any more.
    """

    def __init__(self, scenario: Scenario, time_limit_s: float | None) -> None:
        self._best: float | None = None
        self._unread = b""
        self._ended = False
        task = pickle.dumps((scenario, time_limit_s))
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, str(len(task))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
            process_group=0,  # Ctrl-C is the parent's to handle; a session of its own would void its niceness
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the process has no pipes")
        self._tasks, self._answers = self._process.stdin, self._process.stdout
        os.set_blocking(self._answers.fileno(), False)
        with suppress(BrokenPipeError):  # it has ended already: close() says so
            self._tasks.write(task)
            self._tasks.flush()

    @property
    def best(self) -> float | None:
        """Best bound so far, cost units; None before the first."""
        while not self._ended:
            try:
                part = os.read(self._answers.fileno(), 65_536)
            except BlockingIOError:
                break
            self._ended = not part
            *lines, self._unread = (self._unread + part).split(b"\n")
            if lines:
                self._best = float(lines[-1])
        return self._best

    def wait(self, until_s: float) -> None:
        """Let it go on until it is done or, at the latest, until a time of ``time.perf_counter()``."""
        _ = self.best
        while not self._ended and (left_s := until_s - time.perf_counter()) > 0.0:
            select.select([self._answers], [], [], left_s)
            _ = self.best

    def close(self) -> None:
        """End the process; ``best`` stays. Warns if it had failed."""
        _ = self.best
        if not self._ended:
            self._process.kill()
        code = self._process.wait()
        if self._ended and code != 0:
            warnings.warn(f"the lower bound's process failed with exit code {code}", RuntimeWarning, 2)
        self._ended = True
        self._answers.close()
        with suppress(BrokenPipeError):
            self._tasks.close()


def main() -> None:
    """The process: a task on standard input, improving bounds on standard output, one a line."""
    os.nice(NICENESS)
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no bound
    scenario, time_limit_s = pickle.loads(sys.stdin.buffer.read(int(sys.argv[1])))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from netopt_heur.bounds import lower_bound

    def improved(_seconds: float, bound: float) -> None:
        os.write(answers, f"{bound!r}\n".encode())

    try:
        improved(0.0, lower_bound(scenario, time_limit_s=time_limit_s, progress=improved).bound)
    except MemoryError:
        print("netopt-heur: no better lower bound: out of memory", file=sys.stderr, flush=True)


def _end_with_parent() -> None:
    """Standard input ends when the parent does, however it ends."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(0)
