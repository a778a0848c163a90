"""Tunes Python and malloc for long-lived columns."""

import contextlib
import ctypes
import gc
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
SWITCH_SECONDS = 0.0002  # the log's thread gives Python's lock away at every row and gets it back after so long at most; by default 5 ms
BATCH_BYTES = 32 << 20  # arrays up to this size come from memory that was used before


def tune_memory() -> None:
    """State is columns and long-lived strings: looking through them for cycles again and again only costs time, and so does giving the
    memory of one batch back to the system just before the next one asks for it (glibc; elsewhere the system decides)."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    with contextlib.suppress(AttributeError, OSError):
        adjust = ctypes.CDLL(None).mallopt
        adjust(M_MMAP_THRESHOLD, BATCH_BYTES)
        adjust(M_TRIM_THRESHOLD, 2 * BATCH_BYTES)
