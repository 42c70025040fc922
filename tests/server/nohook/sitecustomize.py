"""A kernel that does not know C{SO_ATTACH_REUSEPORT_CBPF}, as seen by a process that is started
with this directory in its PYTHONPATH."""

import errno
import socket
from typing import Any

SO_ATTACH_REUSEPORT_CBPF = 51


class OlderSocket(socket.socket):
    """A socket of such a kernel."""

    def setsockopt(self, level: int, option: int, *value: Any) -> None:
        if (level, option) == (socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF):
            raise OSError(errno.ENOPROTOOPT, "Protocol not available")
        super().setsockopt(level, option, *value)


socket.socket = OlderSocket
