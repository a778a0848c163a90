"""Reads files of the data folder.

A link, a folder or a pipe in place of a file is refused and never blocks.
"""

import errno
import os
import stat
from pathlib import Path

from shared.errors import NotAFile


def read_file(path: Path, most: int | None = None) -> bytes:
    """The content of a file, at most `most` bytes.

    Errors: NotAFile; any other OSError of a file that cannot be read.
    """
    try:
        flags = (
            os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        )  # without NONBLOCK a pipe waits for ever
        number = os.open(path, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotAFile(errno.ELOOP, "it is a symbolic link", str(path)) from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise NotAFile(errno.EINVAL, "it is not a file", str(path))
        with open(number, "rb", closefd=False) as file:
            return file.read() if most is None else file.read(most)
    finally:
        os.close(number)
