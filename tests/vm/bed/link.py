# SPDX-License-Identifier: GPL-2.0-only
"""The runner's end of the line to an agent: jobs in a guest.

A thread per line sorts incoming frames to their jobs; callers wait on a
condition with a deadline. When the guest dies the socket ends, and every
job that waits ends with GuestDied. Nothing here starts processes.
"""
import marshal
import os
import signal
import sys
import threading
import time

from . import wire
from .proc import BedError, Deadline

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class GuestDied(BedError):
    """The machine ended while somebody waited for it."""


class JobTimeout(BedError):
    """A command took longer than it was given."""


class Result:
    """What a command left: exit code and output."""

    def __init__(self, code, out, err):
        self.code = code
        self.out = out
        self.err = err

    def __repr__(self):
        return f"Result(code={self.code}, out={self.out!r}, err={self.err!r})"


class Job:
    """A command that runs, or ran, in a guest."""

    def __init__(self, link, number, argv, sink):
        self._link = link
        self._number = number
        self._sink = sink
        self.argv = argv
        self.code = None
        self.stdout = bytearray()
        self.stderr = bytearray()

    def take(self, kind, payload):
        """A frame for this job has come (called with the link's lock)."""
        if kind == wire.EXIT:
            self.code = marshal.loads(payload)["status"]
        elif self._sink:
            self._sink(kind, payload)
        elif kind == wire.STDOUT:
            self.stdout += payload
        elif kind == wire.STDERR:
            self.stderr += payload

    def wait(self, timeout):
        """Wait for its end; returns a Result. Kills it at the time-out."""
        deadline = Deadline(timeout)
        if not self._link.wait(lambda: self.code is not None, deadline):
            self.signal(signal.SIGKILL)
            self._link.wait(lambda: self.code is not None, Deadline(10))
            raise JobTimeout(f"{self._link.name}: not done after {timeout:g} "
                             f"s: {' '.join(self.argv)}\n{self.text()}")
        return Result(self.code, self.stdout.decode("utf-8", "replace"),
                      self.stderr.decode("utf-8", "replace"))

    def ended(self, timeout):
        """Wait for its end, without killing it; True if it has ended."""
        return self._link.wait(lambda: self.code is not None,
                               Deadline(timeout))

    def running(self):
        """True while it runs."""
        return self.code is None and not self._link.dead

    def text(self):
        """All its output so far."""
        return (self.stdout + self.stderr).decode("utf-8", "replace")

    def signal(self, signum):
        """Send a signal to the process group of the command."""
        self._link.send(wire.SIGNAL, self._number, {"signal": int(signum)})

    def write(self, data):
        """Bytes for its standard input (a few KiB: this is a serial line)."""
        self._link.send(wire.INPUT, self._number, data)

    def close_input(self):
        """End of its standard input."""
        self._link.send(wire.EOF, self._number)

    def resize(self, rows, columns):
        """Tell its terminal how large it is."""
        self._link.send(wire.WINSIZE, self._number,
                        {"rows": rows, "columns": columns})


class Link:
    """One serial line to one guest."""

    def __init__(self, name, sock, share_dir):
        self.name = name
        self.dead = False
        self.hello = None
        self._sock = sock
        self._share_dir = share_dir
        self._jobs = {}
        self._next = int.from_bytes(os.urandom(2), "little")
        self._cond = threading.Condition()
        self._write_lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def close(self):
        """Hang up; jobs in the guest are not affected."""
        try:
            self._sock.shutdown(2)
        except OSError:
            pass               # the guest was faster
        self._reader.join()
        self._sock.close()

    def _read(self):
        decoder = wire.Decoder()
        while True:
            try:
                data = self._sock.recv(65536)
                frames = decoder.feed(data) if data else None
            except OSError:
                frames = None
            except wire.BadFrame as err:
                print(f"testbed: {self.name}: {err}", file=sys.stderr)
                frames = None
            with self._cond:
                if frames is None:
                    self.dead = True
                    self._cond.notify_all()
                    return
                for kind, number, payload in frames:
                    self._take(kind, number, payload)
                self._cond.notify_all()

    def _take(self, kind, number, payload):
        if kind == wire.HELLO:
            self.hello = marshal.loads(payload)
            return
        job = self._jobs.get(number)
        if job is None:
            return             # of somebody who used the line before us
        job.take(kind, payload)
        if kind == wire.EXIT:
            del self._jobs[number]

    def send(self, kind, number, payload=b""):
        """Send a frame; a dict goes marshalled."""
        if isinstance(payload, dict):
            payload = marshal.dumps(payload)
        with self._write_lock:
            try:
                self._sock.sendall(wire.pack(kind, number, payload))
            except OSError as err:
                raise GuestDied(f"{self.name}: the guest is gone") from err

    def wait(self, condition, deadline):
        """Wait for condition() or the deadline; returns the condition."""
        with self._cond:
            while not condition():
                if self.dead:
                    raise GuestDied(f"{self.name}: the guest is gone")
                if deadline.over():
                    return False
                self._cond.wait(deadline.left())
        return True

    def greet(self, deadline):
        """Wait for the agent of a booting guest; returns its HELLO."""
        self.wait(lambda: self.hello is not None, deadline)
        return self.hello

    def ask(self, deadline):
        """Wait for the agent of a running guest; returns its HELLO."""
        while self.hello is None and not deadline.over():
            self.send(wire.PING, 0)
            self.wait(lambda: self.hello is not None,
                      Deadline(min(1.0, deadline.left())))
        return self.hello

    def start(self, argv, cwd, env, terminal=None, sink=None):
        """Start a command; terminal is (rows, columns) or None."""
        base = {"PATH": PATH, "HOME": "/tmp/home", "LANG": "C.UTF-8",
                "TERM": os.environ.get("TERM", "dumb")}
        spec = {"argv": argv, "cwd": cwd, "env": {**base, **env}}
        if terminal:
            spec.update(terminal=True, rows=terminal[0], columns=terminal[1])
        with self._cond:
            self._next = self._next % 65535 + 1
            job = Job(self, self._next, argv, sink)
            self._jobs[self._next] = job
            number = self._next
        raw = marshal.dumps(spec)
        if len(raw) > wire.MAX_PAYLOAD:
            spec = {"file": self._spill(raw, number)}
        self.send(wire.RUN, number, spec)
        return job

    def _spill(self, raw, number):
        """A long command goes through the shared directory."""
        name = f".job-{os.getpid()}-{number}-{time.monotonic_ns()}"
        with open(os.path.join(self._share_dir, name), "wb") as out:
            out.write(raw)
        return "/run/bed/" + name
