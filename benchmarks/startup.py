"""Time the start of the command line: ``python benchmarks/startup.py [RUNS]``, median wall-clock seconds."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def seconds(*arguments: str) -> float:
    """Wall-clock seconds of one run of ``netopt-heur``."""
    command = [sys.executable, "-c", "from netopt_heur.cli import main; main()", *arguments]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Print the median of several runs of each command."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    for arguments in (("--help",), ("plan", "--help"), ("schema",)):
        median_s = statistics.median(seconds(*arguments) for _ in range(runs))
        print(f"{' '.join(arguments):<12} {median_s:.3f} s")


if __name__ == "__main__":
    main()
