"""Figures, and what a process costs."""

import os
import platform
import resource
import subprocess
import sys
import time
from datetime import date
from typing import NamedTuple

import numpy as np


class Figure(NamedTuple):
    """One measured number. aim: what it should be, where there is one."""

    bench: str
    what: str
    value: float
    unit: str
    aim: float | None = None
    digits: int = 1


class Cost(NamedTuple):
    """Of a process that has ended. cpu: user and system seconds; wall: seconds; peak: resident bytes."""

    cpu: float
    wall: float
    peak: int


def machine() -> dict[str, str]:
    return {
        "date": date.today().isoformat(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "calibration": f"{calibration() * 1e3:.0f} ms",
    }


def calibration() -> float:
    """CPU seconds of a fixed piece of plain Python: how fast this machine is at this moment."""
    began, held = time.process_time(), {}
    for i in range(300_000):
        held[str(i * 7919 % 1_000_003)] = i
    return time.process_time() - began


def scholarstream(*words: object) -> list[str]:
    return [sys.executable, "-m", "services.cli", *map(str, words)]


def run(command: list[str]) -> Cost:
    """Runs a command to its end. Error: RuntimeError when it fails."""
    began = time.monotonic()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, time.monotonic() - began, used.ru_maxrss * 1024)


def resident() -> int:
    """Peak resident bytes of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
