# SPDX-License-Identifier: GPL-2.0-only
"""Test disks for scripts in Python: the commands of ctl.c, and direct I/O.

    disk = Disk("a", size="64M", write_ns=100000)
    disk.crash_after(17, seed=3)
    ...
    disk.wait("state", "crashed")
    disk.revive()

A command that fails raises TdError with the module's reason. Reads and writes
go past the page cache, one request each up to 1 MiB.
"""
import errno
import fcntl
import mmap
import os
import struct
import threading
import time

CTL = "/dev/qbd-testdisk-ctl"
SECTOR = 512
BLKDISCARD = 0x1277
BLKZEROOUT = 0x127f


class TdError(OSError):
    """A command was refused; str() is the module's reason."""


def command(*words, **options):
    """Run one command line and return its reply."""
    line = " ".join([str(word) for word in words] +
                    [f"{key}={val}" for key, val in options.items()])
    fd = os.open(CTL, os.O_RDWR)
    try:
        try:
            os.write(fd, line.encode())
        except OSError as err:
            why = os.read(fd, 1 << 16).decode().strip() or err.strerror
            raise TdError(err.errno, f"{line}: {why}") from err
        return os.read(fd, 1 << 16).decode()
    finally:
        os.close(fd)


def names():
    """Names of all disks."""
    return command("list").split()


def wait_until(what, seconds=120):
    """Wait until what() is true."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise TimeoutError("condition not met in time")
        time.sleep(0.005)


class Disk:
    """One test disk; made by the first use of its name, or known already."""

    def __init__(self, name, make=True, **options):
        self.name = name
        self.path = f"/dev/td_{name}"
        self._fd = None
        if make:
            command("create", name, **options)

    def __getattr__(self, verb):
        """disk.crash(seed=3) is the command "crash NAME seed=3"."""
        return lambda *words, **options: command(verb, self.name, *words,
                                                 **options).strip()

    def snapshot(self, number, name, **options):
        """A disk as it would be after a power cut at operation number."""
        command("snapshot", self.name, number, name, **options)
        return Disk(name, make=False)

    def clone(self, name):
        """A disk with the same content, durable and volatile."""
        command("clone", self.name, name)
        return Disk(name, make=False)

    def cycle(self, **options):
        """Crash and revive."""
        self.crash(**options)
        self.revive()

    def remove(self):
        """Remove the disk."""
        self.close()
        command("remove", self.name)

    def stat(self, key=None):
        """One counter (a number where it is one), or a dict of all."""
        pairs = dict(line.split(" ", 1)
                     for line in command("stat", self.name).splitlines())
        values = {name: int(val) if val.isdigit() else val
                  for name, val in pairs.items()}
        return values if key is None else values[key]

    def wait(self, key, value, seconds=120):
        """Wait until a counter has a value."""
        wait_until(lambda: self.stat(key) == value, seconds)

    def hits(self, fault):
        """How often a fault, named by what fault() returned, has hit."""
        for line in command("faults", self.name).splitlines():
            words = line.split()
            if words[0] == fault:
                return int(words[-1].split("=")[1])
        raise KeyError(fault)

    # -- I/O -------------------------------------------------------------

    def fd(self):
        """The open disk."""
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDWR | os.O_DIRECT)
        return self._fd

    def close(self):
        """Close the disk; the next I/O opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def write(self, sector, data, dsync=False):
        """One write; dsync sends it with FUA and a flush behind it."""
        with mmap.mmap(-1, len(data)) as buf:
            buf[:] = data
            done = os.pwritev(self.fd(), [buf], sector * SECTOR,
                              os.RWF_DSYNC if dsync else 0)
        if done != len(data):
            raise OSError(errno.EIO, "short write")

    def read(self, sector, sectors):
        """Content, in requests of 1 MiB."""
        out = []
        while sectors:
            part = min(sectors, 2048)
            with mmap.mmap(-1, part * SECTOR) as buf:
                done = os.preadv(self.fd(), [buf], sector * SECTOR)
                if done != part * SECTOR:
                    raise OSError(errno.EIO, "short read")
                out.append(buf[:])
            sector += part
            sectors -= part
        return b"".join(out)

    def content(self):
        """All of it."""
        return self.read(0, self.stat("size") // SECTOR)

    def flush(self):
        """Send a flush."""
        os.fsync(self.fd())

    def discard(self, sector, sectors, request=BLKDISCARD):
        """Discard, or zero with request=BLKZEROOUT."""
        fcntl.ioctl(self.fd(), request,
                    struct.pack("QQ", sector * SECTOR, sectors * SECTOR))

    def background(self, call, *args, **options):
        """Run self.call(...) in a thread; see Background."""
        return Background(getattr(self, call), *args, **options)


class Background:
    """A call that may get stuck; error() waits for it."""

    def __init__(self, call, *args, **options):
        self._error = None
        self._thread = threading.Thread(target=self._run, daemon=True,
                                        args=(call, args, options))
        self._thread.start()

    def _run(self, call, args, options):
        try:
            call(*args, **options)
        except Exception as err:  # pylint: disable=broad-except
            self._error = err

    def done(self):
        """True if the call has returned."""
        return not self._thread.is_alive()

    def error(self, seconds=120):
        """Wait for the end of the call; its exception, or None."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError("a request hangs")
        return self._error
