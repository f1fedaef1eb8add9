"""Files that somebody names to be read: ordinary ones, and nothing that keeps a reader waiting.

The rule of this file: opening never waits. A named pipe without a writer, a terminal or a socket
would hold up whoever reads it for ever; a link is followed, and judged by what it leads to.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read its bytes. Raises OSError, also where it is none that has an end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a file with an end", str(path))
