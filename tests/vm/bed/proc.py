# SPDX-License-Identifier: GPL-2.0-only
"""Processes, locks and deadlines of a testbed.

Every process a bed starts is tied to its parent by PDEATHSIG (through
setpriv, which sets it and then becomes the program), so that nothing
outlives a runner, however the runner ends. Children must therefore be
started from a thread that lives as long as they shall: in practice from the
main thread.
"""
import os
import signal
import socket
import subprocess
import threading
import time


class BedError(Exception):
    """Something a person has to read: printed without a traceback."""


class Deadline:
    """A point in time; every wait in the testbed has one."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.end = time.monotonic() + seconds

    def left(self):
        """Seconds left, never negative."""
        return max(0.0, self.end - time.monotonic())

    def over(self):
        """True when the time is up."""
        return time.monotonic() >= self.end


def scaled(seconds):
    """A time-out for this machine as it is now.

    QBD_TIME_SCALE stretches time-outs for good; a host with more to run
    than it has processors stretches them by as much.
    """
    busy = os.getloadavg()[0] / (os.cpu_count() or 1)
    own = float(os.environ.get("QBD_TIME_SCALE", "1"))
    return seconds * own * min(8.0, max(1.0, busy))


def pause(seconds):
    """Between two looks at something that cannot wake us."""
    threading.Event().wait(seconds)


def poll(condition, seconds, what, interval=0.05):
    """Wait until condition() is true; say what was waited for if not."""
    deadline = Deadline(seconds)
    while True:
        value = condition()
        if value:
            return value
        if deadline.over():
            raise BedError(f"{what}: not within {seconds:g} s")
        pause(min(interval, deadline.left()))


class Child:
    """A process of the bed, its log file, and its end."""

    def __init__(self, argv, cwd, log, env=None):
        self.name = os.path.basename(argv[0])
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--"] + argv,
                cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env=env, start_new_session=True)

    @property
    def pid(self):
        """Process id (setpriv execs, so it is that of the program)."""
        return self.popen.pid

    def alive(self):
        """True while the process runs."""
        return self.popen.poll() is None

    def wait(self, seconds):
        """Its exit code, or None if it does not end in time."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end_group(self):
        """Ask it to end, then kill what is left of its process group."""
        if self.alive():
            self.popen.send_signal(signal.SIGTERM)
            self.wait(20)
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait()

    def kill(self):
        """SIGKILL and wait: for a guest, the end of the machine."""
        if self.alive():
            self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()

    def last_words(self, lines=5):
        """The end of what it wrote to its log."""
        return tail(self.log, lines)


def tail(path, lines):
    """The last lines of a file, as text."""
    try:
        with open(path, "rb") as src:
            src.seek(0, os.SEEK_END)
            src.seek(max(0, src.tell() - lines * 400))
            text = src.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


class Lock:
    """A name that only one process on this machine holds.

    An abstract socket: the kernel frees it when its holder dies, so there
    are no stale locks to clean up.
    """

    def __init__(self, name):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self.sock.bind("\0qbd-testbed-" + name)
        except OSError:
            self.sock.close()
            raise

    def release(self):
        """Let somebody else have it."""
        self.sock.close()


def lock_port():
    """A multicast port that no other bed on this machine uses."""
    first = 21000 + os.getpid() % 1000
    for port in range(first, first + 1000):
        try:
            return port, Lock(f"port-{port}")
        except OSError:
            continue
    raise BedError("a thousand beds run on this machine")


def connect(dirfd, name, seconds, child):
    """Connect to a unix socket that a child is about to create.

    The path goes through the directory's descriptor: paths of unix sockets
    are limited to 108 bytes, paths of working directories are not.
    """
    path = f"/proc/self/fd/{dirfd}/{name}"
    deadline = Deadline(seconds)
    while True:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(path)
            return sock
        except OSError as err:
            sock.close()
            if child is not None and not child.alive():
                raise BedError(f"{child.name} did not start:\n" +
                               child.last_words()) from err
            if deadline.over():
                raise BedError(f"socket {name}: {err}") from err
            pause(0.02)
