"""Tunes Python and malloc for long-lived columns."""

import contextlib
import ctypes
import gc
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
# The thread of the log releases the interpreter lock at each row. This bounds its wait for it; default 5 ms.
SWITCH_SECONDS = 0.0002
BATCH_BYTES = 32 << 20  # arrays up to this size reuse memory of the process


def tune_memory() -> None:
    """Makes garbage collection rare, and keeps the memory of a batch for the next one.

    State is columns and long-lived strings, so searching it for cycles only costs time. The memory settings
    work with glibc; elsewhere the system decides.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    with contextlib.suppress(AttributeError, OSError):
        adjust = ctypes.CDLL(None).mallopt
        adjust(M_MMAP_THRESHOLD, BATCH_BYTES)
        adjust(M_TRIM_THRESHOLD, 2 * BATCH_BYTES)
