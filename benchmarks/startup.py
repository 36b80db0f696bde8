"""Time what comes before the work: ``python benchmarks/startup.py [--runs N] [--no-cold]``.

Cold: all kernels compiled into an empty cache, in as many processes as there are cores; and those that a plan
needs. Cached: from the start of a process until the planner could begin, its modules imported, the scenario
read and every kernel that planning calls loaded. Wall-clock seconds, and processor seconds of all processes
together, which on a machine that does other work too say more. Medians.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIGS = Path(__file__).resolve().parent.parent / "configs"

COMPILE = """
import sys
from netopt_kernels import compilation
sys.exit(not compilation.compile_kernels(compilation.{parts}, sys.stderr))
"""
BEGIN = """
from netopt_heur.cli import collector_paused
with collector_paused():
    from netopt_heur.scenario import load_scenario
    scenario = load_scenario({path!r})
    from netopt_heur.solve import Planner, build_instance
Planner(build_instance(scenario))
from netopt_kernels import __main__, compilation
for part in compilation.FOR_PLANS:
    __main__.call_all(part)
"""
COMMAND_LINE = "from netopt_heur.cli import main; main()"

Seconds = tuple[float, float]  # wall clock, processor


def seconds(code: str, *arguments: str, cache: str | None = None) -> Seconds:
    """How long a process takes."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache} if cache else None
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", code, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report(name: str, runs: list[Seconds]) -> None:
    """Print medians."""
    wall_s, processor_s = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"{name:<48} {wall_s:7.2f} s {processor_s:7.2f} s of processor time", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="of what is cached")
    parser.add_argument("--no-cold", action="store_true", help="compile nothing but what is missing")
    options = parser.parse_args()
    for arguments in (("--help",), ("plan", "--help"), ("schema",)):
        report(" ".join(arguments), [seconds(COMMAND_LINE, *arguments) for _ in range(options.runs)])
    if not options.no_cold:
        for name, parts in (("all kernels", "ALL"), ("kernels that a plan needs", "FOR_PLANS")):
            with tempfile.TemporaryDirectory() as cache:
                report(f"cold compile, {name}", [seconds(COMPILE.format(parts=parts), cache=cache)])
    for config in ("tiny_triangle", "us_ai_backbone"):
        code = BEGIN.format(path=str(CONFIGS / f"{config}.yaml"))
        seconds(code)  # fills the cache
        report(f"cached, ready to plan {config}", [seconds(code) for _ in range(options.runs)])


if __name__ == "__main__":
    main()
