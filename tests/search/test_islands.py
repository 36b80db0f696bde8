"""Workers end with the run, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netopt_heur import load_scenario, plan, verify
from netopt_heur.errors import WorkerLostError
from netopt_heur.search.islands import _interrupts_later

CONFIGS = Path(__file__).parents[2] / "configs"
PATIENCE_S = 60.0  # for what takes seconds on a free machine
RUN = """
    import multiprocessing, sys
    from netopt_heur import load_scenario, plan
    from netopt_heur.search.islands import Islands

    def told(self, *arguments):
        found = epoch(self, *arguments)
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        return found

    if __name__ == "__main__":
        epoch, Islands.epoch = Islands.epoch, told
        plan(load_scenario(sys.argv[1]), generations=100_000, workers=2, bound=False)
"""


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_workers_end_with_the_run(number: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(RUN), encoding="utf-8")
    arguments = [sys.executable, str(script), str(CONFIGS / "tiny_triangle.yaml")]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        workers = [int(pid) for pid in run.stdout.readline().split()]
        assert len(workers) == 2
        assert all(map(runs, workers))
        run.send_signal(number)
        run.stdout.close()
    deadline_s = time.monotonic() + PATIENCE_S
    while any(map(runs, workers)) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert not any(map(runs, workers))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_run_whose_worker_is_killed_says_so_and_keeps_its_plan(tmp_path: Path) -> None:
    scenario = load_scenario(CONFIGS / "tiny_triangle.yaml")

    def kill_one() -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while not (tmp_path / "plan.json").exists() and time.monotonic() < deadline_s:
            time.sleep(0.05)
        while not multiprocessing.active_children() and time.monotonic() < deadline_s:
            time.sleep(0.05)
        os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    with pytest.raises(WorkerLostError, match="--workers"):
        plan(scenario, generations=100_000, workers=2, bound=False, out_dir=tmp_path)
    killer.join()
    assert verify(scenario, tmp_path / "plan.json").feasible
    assert not multiprocessing.active_children()


@pytest.fixture
def heeds_interrupts() -> Iterator[None]:
    """Ctrl-C interrupts, even where a shell in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_interrupts")
def test_an_interrupt_waits_even_if_another_thread_takes_it() -> None:
    other = threading.Thread(target=time.sleep, args=(0.5,))
    other.start()  # before the signal is blocked: it may take it
    reached = False
    with pytest.raises(KeyboardInterrupt), _interrupts_later():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        reached = True
    other.join()
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_an_interrupt_nothing_comes_later() -> None:
    before = signal.getsignal(signal.SIGINT)
    with _interrupts_later():
        pass
    assert signal.getsignal(signal.SIGINT) is before
