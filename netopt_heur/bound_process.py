"""The lower bound in a process of its own, which can be cut off wherever it stands when time is up.

HiGHS does not look at the clock in all it does: on CORONET a rounding heuristic at the root of its search
goes on long after the limit. Beside a search, the process never changes what the search does.
"""

from __future__ import annotations

import json
import os
import pickle
import select
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netopt_heur.scenario.scenario import Scenario

BESIDE_SEARCH = 5  # niceness; sched(7): weight 335 beside 1024
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
    niceness
        Added to that of the caller. At ``BESIDE_SEARCH`` the process takes all of a free core, and a quarter
        of one that a search wants as well.
    progress
        Called with (seconds since creation, bound) at every improvement that is read.

    Attributes
    ----------
    history
        What ``progress`` was called with; both rise.
    method
        As in :class:`netopt_heur.bounds.BoundResult`; empty until the bound is done.
    ended
        Whether the process has ended by itself.
    failed
        Whether it did so without being done; known once it is closed.
    """

    def __init__(
        self,
        scenario: Scenario,
        time_limit_s: float | None,
        niceness: int = 0,
        progress: Callable[[float, float], None] | None = None,
    ) -> None:
        self.started, self.progress = time.perf_counter(), progress
        self.history: list[tuple[float, float]] = []
        self.method: dict[str, float] = {}
        self.ended = self.failed = False
        self._unread, self._closed = b"", False
        deadline = None if time_limit_s is None else time.time() + time_limit_s
        task = pickle.dumps((scenario, deadline, niceness))
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
        """Best bound so far, cost units; None before the first. Reads what has arrived."""
        while not (self.ended or self._closed):
            try:
                part = os.read(self._answers.fileno(), 65_536)
            except BlockingIOError:
                break
            self.ended = not part
            *lines, self._unread = (self._unread + part).split(b"\n")
            for line in lines:
                self._note(json.loads(line))
        return self.history[-1][1] if self.history else None

    def _note(self, answer: dict[str, Any]) -> None:
        self.method = answer.get("method", {})
        if not self.history or answer["bound"] > self.history[-1][1]:
            self.history.append((time.perf_counter() - self.started, answer["bound"]))
            if self.progress is not None:
                self.progress(*self.history[-1])

    def wait(self, until_s: float, first_until_s: float = 0.0) -> None:
        """Let it go on until it is done or, at the latest, until a time of ``time.perf_counter()``.

        A first bound may take until the later of the two times.
        """
        while True:
            limit_s = max(until_s, first_until_s) if self.best is None else until_s
            left_s = limit_s - time.perf_counter()
            if self.ended or left_s <= 0.0:
                return
            select.select([self._answers], [], [], left_s)

    def close(self) -> None:
        """End the process; what was read stays. Warns if it had failed."""
        _ = self.best
        if not self.ended:
            self._process.kill()
        code = self._process.wait()
        self.failed = self.ended and code != 0
        if self.failed:
            warnings.warn(f"the lower bound's process failed with exit code {code}", RuntimeWarning, 2)
        self._closed = True
        self._answers.close()
        with suppress(BrokenPipeError):
            self._tasks.close()


def main() -> None:
    """The process: a task on standard input, improving bounds on standard output, one a line."""
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no bound
    scenario, deadline, niceness = pickle.loads(sys.stdin.buffer.read(int(sys.argv[1])))
    os.nice(niceness)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from netopt_heur.bounds import lower_bound

    def answer(**values: object) -> None:
        os.write(answers, f"{json.dumps(values)}\n".encode())

    time_limit_s = None if deadline is None else max(0.0, deadline - time.time())
    try:
        result = lower_bound(
            scenario, time_limit_s=time_limit_s, progress=lambda _, bound: answer(bound=bound)
        )
        answer(bound=result.bound, method=result.method)
    except MemoryError:
        print("netopt-heur: no better lower bound: out of memory", file=sys.stderr, flush=True)


def _end_with_parent() -> None:
    """Standard input ends when the parent does, however it ends."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(0)
