# SPDX-License-Identifier: GPL-2.0-only
"""A bed: guests on one Ethernet, with a directory of their own.

build/beds/<name>/ holds console logs, disks, sockets and share/, a
directory that every guest sees as /run/bed and can write to (it is the
host's: what was written there survives a guest). Names, sockets and the
multicast port are locked, so any number of beds can run at once.
"""
import os
import re
import shutil

from . import disk
from .console import scan
from .guest import Guest
from .kernel import Kernel
from .proc import BedError, Lock, lock_port

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))))
BEDS = os.path.join(TOP, "build", "beds")
# Directories of finished runs that stay for a look at their logs.
KEEP = 20


class Spec:
    """What a guest is made of."""

    def __init__(self, kernel="debian", cpus=2, mem="1G", disks=(),
                 cmdline=(), cache="always"):
        self.kernel = Kernel(kernel)
        self.cpus = int(cpus)
        self.mem = disk.parse_size(str(mem))
        self.disks = tuple(disks)
        self.cmdline = tuple(cmdline)
        self.cache = cache
        self.accel = os.environ.get("QBD_ACCEL", "tcg,thread=multi")


class Bed:
    """Guests n1 .. nN; a context manager that leaves nothing running."""

    def __init__(self, name=None, guests=1, network=None, keep=False,
                 allow=(), **spec):
        self.auto = name is None
        self.name = name or f"bed-{os.getpid()}-{os.urandom(2).hex()}"
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", self.name):
            raise BedError(f"not a name for a bed: {name!r}")
        self.dir = os.path.join(BEDS, self.name)
        self.share = os.path.join(self.dir, "share")
        self.cwd = os.getcwd()
        self.env = guest_env(spec.get("kernel", "debian"))
        self.keep_dir = keep
        self.allow = allow
        self.port = 0
        self._locks = []
        self.guests = []
        _check_path(TOP)
        self._claim()
        if network or (network is None and guests > 1):
            self.port, lock = lock_port()
            self._locks.append(lock)
        self.guests = [Guest(self, number, Spec(**spec))
                       for number in range(1, guests + 1)]

    def _claim(self):
        try:
            self._locks.append(Lock("bed-" + self.dir[-80:]))
        except OSError as err:
            raise BedError(f"bed {self.name} is in use") from err
        prune()
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.share)
        self.dirfd = os.open(self.dir, os.O_PATH | os.O_CLOEXEC)

    def node(self, number):
        """Guest by number, from 1."""
        return self.guests[number - 1]

    def keep(self):
        """Directories that a tmpfs of the guest must not hide."""
        where = [TOP]
        if self.cwd != TOP and not self.cwd.startswith(TOP + "/"):
            _check_path(self.cwd)
            where.append(self.cwd)
        return ":".join(where)

    def start(self):
        """Boot all guests, side by side."""
        for guest in self.guests:
            guest.start()
        for guest in self.guests:
            guest.ready()
        return self

    def note_pids(self):
        """Write down whose processes these are, for a person to see."""
        pids = [pid for guest in self.guests for pid in guest.pids()]
        with open(os.path.join(self.dir, "pids"), "w",
                  encoding="ascii") as out:
            out.write(f"{os.getpid()}\n" +
                      "".join(f"{pid}\n" for pid in pids))

    def findings(self, allow=()):
        """What the kernels complained about since the last look."""
        found = []
        for guest in self.guests:
            mark = guest.console.mark()
            text = guest.console.since(guest.checked)
            guest.checked = mark
            found += [(guest, one) for one in scan(text, allow)]
        return found

    def leaks(self):
        """What kmemleak reports on the guests that are on."""
        return "".join(f"{guest.name}: {text}" for guest in self.guests
                       if guest.alive() and (text := guest.leaks()))

    def close(self, failed=False):
        """Kill what runs and tidy up; logs of a failure stay."""
        for guest in self.guests:
            guest.crash()
        for guest in self.guests:
            for one in guest.disks:
                if os.path.exists(one.path) and not self.keep_dir:
                    os.unlink(one.path)
        os.close(self.dirfd)
        if self.auto and not failed and not self.keep_dir:
            shutil.rmtree(self.dir, ignore_errors=True)
        for lock in self._locks:
            lock.release()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close(failed=True)
            raise

    def __exit__(self, kind, value, trace):
        found = self.findings(self.allow)
        self.close(failed=bool(kind or found))
        if found and kind is None:
            guest, first = found[0]
            raise BedError(f"{guest.name}: the kernel complained:\n" +
                           "\n".join(first.context) +
                           f"\nlogs: {self.dir}")


def _check_path(path):
    if any(char in path for char in " :,\t\"'"):
        raise BedError(f"{path!r}: a guest's kernel cannot be told a path "
                       "with blanks, colons, commas or quotes")


def guest_env(kernel):
    """QBD_* for jobs: where modules and programs for this kernel are."""
    flavour = "debug" if kernel == "debug" else "debian"
    build = os.environ.get("QBD_BUILD_TOP", os.path.join(TOP, "build"))
    env = {key: value for key, value in os.environ.items()
           if key.startswith("QBD_")}
    env.setdefault("QBD_BUILD", os.path.join(build, flavour))
    env.setdefault("QBD_USER", os.path.join(build, "user"))
    env.update(QBD_TOP=TOP, QBD_KERNEL=kernel,
               QBD_VM=os.path.join(TOP, "tests", "vm"))
    return env


def in_use(name):
    """True if a bed of this name runs."""
    path = os.path.join(BEDS, name)
    try:
        Lock("bed-" + path[-80:]).release()
    except OSError:
        return True
    return False


def running():
    """Names of the beds that run."""
    if not os.path.isdir(BEDS):
        return []
    return [name for name in sorted(os.listdir(BEDS)) if in_use(name)]


def prune():
    """Remove the oldest directories of beds that are gone."""
    if not os.path.isdir(BEDS):
        return
    old = [os.path.join(BEDS, name) for name in os.listdir(BEDS)
           if name.startswith("bed-")]
    old.sort(key=os.path.getmtime)
    for path in old[:-KEEP]:
        if not in_use(os.path.basename(path)):
            shutil.rmtree(path, ignore_errors=True)
