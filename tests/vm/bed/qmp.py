# SPDX-License-Identifier: GPL-2.0-only
"""Commands to QEMU's monitor, one connection per command.

QEMU serves one client at a time on this socket, so nobody keeps it: the
runner and "testbed" on the command line may both use it.
"""
import json

from .proc import BedError, connect


def _answer(stream):
    """The next message that is not an event."""
    while True:
        line = stream.readline()
        if not line:
            raise BedError("the machine ended while it was being told")
        message = json.loads(line)
        if "event" not in message:
            return message


def command(dirfd, name, execute, timeout=20, /, **arguments):
    """Run one monitor command; returns what it returns."""
    sock = connect(dirfd, name, timeout, None)
    with sock:
        sock.settimeout(timeout)
        with sock.makefile("rw", encoding="utf-8") as stream:
            _answer(stream)
            for request in ({"execute": "qmp_capabilities"},
                            {"execute": execute, "arguments": arguments}):
                stream.write(json.dumps(request) + "\n")
                stream.flush()
                message = _answer(stream)
                if "error" in message:
                    raise BedError(f"{execute}: {message['error']['desc']}")
    return message["return"]
