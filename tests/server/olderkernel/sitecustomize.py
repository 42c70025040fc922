"""A kernel that does not know some socket options, as seen by a process that is started with this
directory in its PYTHONPATH and with their numbers in UNKNOWN_SOCKET_OPTIONS."""

import errno
import os
import socket
from typing import Any

UNKNOWN = {int(number) for number in os.environ["UNKNOWN_SOCKET_OPTIONS"].split()}


class OlderSocket(socket.socket):
    """A socket of such a kernel."""

    def setsockopt(self, level: int, option: int, *value: Any) -> None:
        if level == socket.SOL_SOCKET and option in UNKNOWN:
            raise OSError(errno.ENOPROTOOPT, os.strerror(errno.ENOPROTOOPT))
        super().setsockopt(level, option, *value)


vars(socket)["socket"] = OlderSocket
