# SPDX-License-Identifier: GPL-2.0-only
"""Allocations of threads that fail by chance; and growths meanwhile. Part of
allocfail.py.

The threads are found by their names: the stack trace filter, which could tell
qbd.ko from the others, is not in all kernels. So others fail as well.
"""
import errno
import glob
import time

from rawnl_world import MIB, SERVING, uuid

DEBUG = "/sys/kernel/debug"
KINDS = ("failslab", "fail_page_alloc")
TIMES = 1 << 30
THREADS = ("kthreadd", "kworker", "qbd")


def put(path, value):
    """A line into a file."""
    with open(path, "w", encoding="ascii") as out:
        out.write(f"{value}\n")


def get(path):
    """The line of a file."""
    with open(path, encoding="ascii") as src:
        return src.read().strip()


def mark(value, pids=()):
    """All tasks whose allocations are meant; those that come are so as well,
    kthreadd makes them."""
    for path in glob.glob("/proc/[0-9]*/task/[0-9]*"):
        try:
            if path.split("/")[2] in pids or (
                    not get(f"{path}/cmdline") and
                    get(f"{path}/comm").startswith(THREADS)):
                put(f"{path}/make-it-fail", value)
        except OSError:
            pass                # it went meanwhile


def switch(probability):
    """Both kinds, with so many percent; also those that may wait fail, and
    single pages. Nothing is printed for each of them."""
    for kind in KINDS:
        for key, value in (("verbose", 0), ("ignore-gfp-wait", "N"),
                           ("interval", 1), ("task-filter", "Y"),
                           ("times", TIMES), ("probability", probability)):
            put(f"{DEBUG}/{kind}/{key}", value)
    put(f"{DEBUG}/fail_page_alloc/min-order", 0)


def injected():
    """How many have failed since."""
    return sum(TIMES - int(get(f"{DEBUG}/{kind}/times")) for kind in KINDS)


def off():
    """No faults; how many there were."""
    for kind in KINDS:
        put(f"{DEBUG}/{kind}/probability", 0)
    mark(0)
    return injected()


def wait(what, true, seconds=30):
    """Until it is."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Growths:
    """A volume that grows by shards. That is the work of threads, some of whose
    allocations fail."""

    SHARDS = 3                  # at once
    # of a hundred allocations: if all failed no thread that works could be
    # made, and with many a disk fails
    FAIL = 3, 10

    def __init__(self, world, count):
        self.world, self.side, self.count = world, world.side, count
        self.end, self.undone = 1, 0

    def good(self, verb, values):
        """It is accepted."""
        answer = self.side.ask(verb, values)
        if answer.error:
            raise SystemExit(f"{verb}: {errno.errorcode[-answer.error]}, "
                             f"{answer.text}; {self.stores()}")

    def stores(self):
        """What their dumps say, for a case that fails."""
        names = [self.side.number_of("store", key)
                 for key in ("state", "error", "reason")]
        return [[row.get(name) for name in names]
                for row in self.side.rows("store-get")]

    def volume(self):
        """Its state, size, size to be; None: there is none."""
        rows = self.side.rows("volume-get")
        return self.world.volume_row(rows[0]) if rows else None

    @staticmethod
    def member(shard):
        """The only copy of a shard."""
        return {"node": 1, "replica": 8000 + shard}

    def create(self, shard):
        """An empty copy."""
        self.good("replica-create", {
            "id": 8000 + shard, "volume": 7, "shard": shard, "epoch": 1,
            "store": uuid(self.side.store), "size-bytes": 64 * MIB,
            "member": self.member(shard)})

    def begin(self):
        """All that there has to be."""
        for verb, values in (self.world.start(), self.world.add()):
            self.good(verb, values)
        wait("the store", lambda: self.world.is_there()[2] == (1,))
        self.create(0)
        self.world.term += 1
        self.world.size = 64 * MIB
        self.good("volume-attach", {
            "id": 7, "name": "vol7", "size-bytes": self.world.size,
            "shard-bytes": 64 * MIB, "term": self.world.term,
            "shard": {"number": 0, "epoch": 1, "member": [self.member(0)]}})
        wait("the volume", lambda: self.volume() == self.has(self.world.size))

    @staticmethod
    def has(size):
        """It serves with that size, and grows no more."""
        return SERVING, size, 0

    def settled(self):
        """The growth has ended."""
        return self.volume()[2] == 0

    def faults(self, percent):
        """From now on. What vmalloc() takes fails as well, to which a leader's
        memory falls back."""
        put(f"{DEBUG}/fail_page_alloc/ignore-gfp-highmem", "N")
        for kind in KINDS:
            put(f"{DEBUG}/{kind}/probability", percent)

    def grow(self, size, faulty):
        """One request; True if the volume has that size, False if it is as it
        was."""
        before = self.world.size
        if faulty:
            self.faults(self.world.rng.randint(*self.FAIL))
        self.good("volume-grow", {
            "id": 7, "term": self.world.term, "size-bytes": size,
            "shard": [{"number": shard, "epoch": 1,
                       "member": [self.member(shard)]}
                      for shard in range(self.end, self.end + self.SHARDS)]})
        until = time.monotonic() + 3
        while faulty and not self.settled() and time.monotonic() < until:
            time.sleep(0.02)
        self.faults(0)
        wait(f"the growth to end: {self.volume()} {self.world.is_there()}",
             self.settled)
        wait(f"all of it or nothing, not {self.volume()}",
             lambda: self.volume() in (self.has(before), self.has(size)))
        return self.volume() == self.has(size)

    def one(self):
        """To more shards, at last without a fault."""
        for shard in range(self.end, self.end + self.SHARDS):
            self.create(shard)
        size = self.world.size + self.SHARDS * 64 * MIB
        tried = 0
        while not self.grow(size, tried < self.count):
            tried += 1
            if tried > self.count:
                raise SystemExit("volume-grow: no memory without a fault")
        self.undone += tried
        self.grown(size)

    def grown(self, size):
        """It has that."""
        self.world.size = size
        self.end += self.SHARDS

    def point(self):
        """The same with qbd's own point, which is sure to be hit: the second
        new shard has no memory for its leader."""
        for shard in range(self.end, self.end + self.SHARDS):
            self.create(shard)
        size = self.world.size + self.SHARDS * 64 * MIB
        put(f"{DEBUG}/qbd/fault/lead_nomem", 2)
        if self.grow(size, False):
            raise SystemExit("volume-grow: without memory for a leader")
        if not self.grow(size, False):
            raise SystemExit("volume-grow: no memory without a fault")
        self.undone += 1
        self.grown(size)

    def run(self):
        """Some growths, and all goes again."""
        self.begin()
        mark(1)
        for _ in range(4):
            self.one()
        failed = off()
        self.point()
        self.good("volume-detach", {"id": 7})
        wait("the detach", lambda: self.volume() is None)
        for shard in range(self.end):
            self.good("replica-delete", {"id": 8000 + shard, "epoch": 2})
        for verb, values in (self.world.remove(), self.world.stop()):
            self.good(verb, values)
        wait("n1 to end", lambda: self.side.look() != 0)
        print(f"growths: {self.undone} were undone, {failed} allocations failed")
        return failed == 0
