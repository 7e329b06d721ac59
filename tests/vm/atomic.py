# SPDX-License-Identifier: GPL-2.0-only
"""Writes of 1 MiB that the caller asked to be atomic, and power cuts in them.

    two writers, RWF_ATOMIC -> /dev/qbd0 -> store -> /dev/td_a, recorded

Each writer goes round four places of 1 MiB in a shard of its own. After each
cut a place holds one write, whole: not one older than the last that was
acknowledged before the cut, none that was sent after it.

usage: atomic.py POINTS SEED
"""
import errno
import mmap
import os
import random
import sys
import threading
import time

from onecopy import (BLOCK, MIB, Volume, format_store, get, numbered, put)
from td import Disk

RWF_ATOMIC = 0x40
UNIT = MIB // BLOCK
PLACES = 4
WRITES = 24
FIRST = [0, (64 << 20) // BLOCK]
# What fills the log, so that a checkpoint comes while the writers are at work.
BULK = 32 * UNIT
BULKS = 36


def write(file, data, offset):
    """One write that is atomic, or refused."""
    with mmap.mmap(-1, len(data)) as buf:
        buf[:] = data
        if os.pwritev(file, [buf], offset, RWF_ATOMIC) != len(data):
            raise OSError("short write")


def refused(file, what, size, offset):
    """A write that can't be atomic is not made."""
    try:
        write(file, b"\xff" * size, offset)
    except OSError as err:
        if err.errno == errno.EINVAL:
            print(f"# refused: {what}", flush=True)
            return
        raise
    raise AssertionError(f"{what} was not refused")


def limits(file):
    """What the queue promises is taken, and nothing else."""
    name = os.path.basename(os.path.realpath(f"/proc/self/fd/{file}"))

    def limit(key):
        with open(f"/sys/block/{name}/queue/atomic_write_{key}",
                  encoding="ascii") as src:
            return int(src.read())
    for key, value in (("max_bytes", MIB), ("unit_max_bytes", MIB),
                       ("unit_min_bytes", BLOCK), ("boundary_bytes", 0)):
        if limit(key) != value:
            raise AssertionError(f"atomic_write_{key} is {limit(key)}")
    size = BLOCK
    while size <= MIB:
        write(file, bytes([size.bit_length()]) * size, size)
        if get(file, size // BLOCK, size // BLOCK) != \
                bytes([size.bit_length()]) * size:
            raise AssertionError(f"{size} bytes were not written")
        size *= 2
    refused(file, "2 MiB", 2 * MIB, 0)
    refused(file, "12 KiB", 3 * BLOCK, 0)
    refused(file, "8 KiB at 4 KiB", 2 * BLOCK, BLOCK)
    refused(file, "half a block", 2048, 0)
    if get(file, 0, 1) != bytes(BLOCK):
        raise AssertionError("a refused write was made")


class Writer(threading.Thread):
    """Goes round its places."""

    def __init__(self, first, file, disk):
        super().__init__()
        self.first, self.file, self.disk = first, file, disk
        self.error = None
        # operations that the disk had seen before each write, and after it
        self.ledger = []

    def run(self):
        try:
            for number in range(1, WRITES + 1):
                at = self.first + number % PLACES * UNIT
                data = b"".join(numbered(number, at + i) for i in range(UNIT))
                before = self.disk.stat("record_ops")
                write(self.file, data, at * BLOCK)
                self.ledger.append((before, self.disk.stat("record_ops")))
        except Exception as err:  # pylint: disable=broad-except
            self.error = err

    def may_be(self, place, cut):
        """Which writes a place may hold after this cut; 0: none."""
        mine = [(number, *self.ledger[number - 1])
                for number in range(1, WRITES + 1) if number % PLACES == place]
        acked = max([n for n, _, after in mine if after < cut], default=0)
        return [acked] + [n for n, before, _ in mine
                          if n > acked and before < cut]

    def check(self, file, cut):
        """Every place is one write; how many are ones without an answer."""
        early = 0
        for place in range(PLACES):
            at = self.first + place * UNIT
            data = get(file, at, UNIT)
            number = int.from_bytes(data[:8], "little")
            if data != b"".join(numbered(number, at + i)
                                for i in range(UNIT)):
                raise AssertionError(f"cut {cut}: a torn write of 1 MiB at "
                                     f"block {at}")
            allowed = self.may_be(place, cut)
            if number not in allowed:
                raise AssertionError(f"cut {cut}: write {number} at block "
                                     f"{at}, not one of {allowed}")
            early += number != allowed[0]
        return early


def history(disk):
    """One life of the store; returns the writers."""
    volume = Volume(disk).create()
    file = volume.attach()
    limits(file)
    for first in FIRST:
        for place in range(PLACES):
            put(file, first + place * UNIT, bytes(MIB))
    for _ in range(BULKS):
        put(file, BULK, bytes(MIB))
    disk.record("on", limit="300M")
    writers = [Writer(first, file, disk) for first in FIRST]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    os.close(file)
    volume.detach()
    volume.close()
    for writer in writers:
        if writer.error:
            raise writer.error
    return writers


def point(disk, writers, cut, rng):
    """One power cut."""
    copy = disk.snapshot(cut, "b", seed=rng.randint(1, 1 << 30),
                         keep=rng.choice(("random", "random", "none", "all")),
                         grain=rng.choice((512, 4096)))
    volume = Volume(copy)
    file = volume.attach()
    early = sum(writer.check(file, cut) for writer in writers)
    os.close(file)
    volume.detach()
    volume.close()
    copy.remove()
    return early


def main():
    """The history once, then its cuts."""
    points, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    disk = Disk("a", size="256M")
    format_store(disk)
    start = time.monotonic()
    writers = history(disk)
    last = max(after for writer in writers for _, after in writer.ledger)
    print(f"# seed {seed}: {last} operations of {2 * WRITES} writes in "
          f"{time.monotonic() - start:.0f} s", flush=True)
    start = time.monotonic()
    early = 0
    for i in range(points):
        early += point(disk, writers, 1 + (i * last + rng.randrange(last)) //
                       points, rng)
    print(f"# {points} cuts in {time.monotonic() - start:.0f} s; {early} "
          "writes kept that had no answer yet", flush=True)
    disk.remove()


if __name__ == "__main__":
    main()
