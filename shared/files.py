"""Files of the data folder: read only where they are files, so that a link, a folder or a pipe of that name stops nobody."""

import errno
import os
import stat
from pathlib import Path


class NoFile(OSError):
    """There is something of that name, but no file: a symbolic link, a folder, a pipe, a device."""


def read_file(path: Path, most: int | None = None) -> bytes:
    """What is in a file, at most `most` bytes of it. Errors: NoFile; any other OSError of a file that cannot be read."""
    try:
        number = os.open(
            path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        )  # to wait for a pipe would be for ever
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NoFile(errno.ELOOP, "it is a symbolic link", str(path)) from None
        raise
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise NoFile(errno.EINVAL, "it is no file", str(path))
        with open(number, "rb", closefd=False) as file:
            return file.read() if most is None else file.read(most)
    finally:
        os.close(number)
