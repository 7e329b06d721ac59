# SPDX-License-Identifier: GPL-2.0-only
"""Power cuts in the past of one store, and what qbd makes of them.

    writers -> /dev/qbd0 -> store -> /dev/td_a, which records its operations

Writers write numbered blocks and keep a ledger outside of all that: how many
operations the disk had seen before each write was sent, and after it was
acknowledged. Then the disk is copied as a cut at operation N would leave it,
the copy is opened as a store, and each writer's blocks must be what exactly
the first j of its writes leave: no acknowledged one missing, none that was
sent after the cut, no half of one.

usage: cuts.py POINTS SEED
"""
import fcntl
import os
import random
import struct
import sys
import threading
import time

from onecopy import (BLOCK, MIB, Volume, format_store, get, numbered, put)
from td import BLKDISCARD, BLKZEROOUT, Disk

WRITERS = 4
# Blocks of a writer, first block of each: two of them in the second shard.
SPAN = 96
FIRST = [0, 1000, (64 << 20) // BLOCK, (64 << 20) // BLOCK + 2000]
WRITES = 120
# What fills the log: blocks that nobody looks at.
BULK = 16 * MIB // BLOCK


class Writer(threading.Thread):
    """Writes its blocks over and over, one request after the other."""

    def __init__(self, number, rng):
        super().__init__()
        self.number = number
        self.first = FIRST[number]
        self.rng = rng
        self.file = self.disk = self.error = None
        # (operations seen before, after, first block, blocks, number)
        self.ledger = []

    def start_on(self, file, disk):
        """Begin."""
        self.file, self.disk = file, disk
        self.start()

    def run(self):
        try:
            for number in range(1, WRITES + 1):
                self._write(number)
        except Exception as err:  # pylint: disable=broad-except
            self.error = err

    def _write(self, number):
        blocks = self.rng.choice((1, 1, 1, 2, 3, 16, 33))
        at = self.rng.randrange(SPAN - blocks + 1)
        kind = self.rng.choice(("write",) * 8 + ("discard", "zero"))
        before = self._seen()
        if kind == "write":
            put(self.file, self.first + at,
                b"".join(numbered(number, at + i) for i in range(blocks)))
        else:
            fcntl.ioctl(self.file,
                        BLKDISCARD if kind == "discard" else BLKZEROOUT,
                        struct.pack("QQ", (self.first + at) * BLOCK,
                                    blocks * BLOCK))
        self.ledger.append((before, self._seen(), at, blocks,
                            number if kind == "write" else 0))

    def _seen(self):
        return self.disk.stat("record_ops")

    def bounds(self, cut):
        """Of a cut when operation number cut arrives: how many of the writes
        are there at least, and how many there may be."""
        least = sum(after < cut for _, after, *_ in self.ledger)
        most = sum(before < cut for before, *_ in self.ledger)
        return least, most

    def states(self, least, most):
        """What the first j writes leave, for each j that may be."""
        blocks = [0] * SPAN
        for j in range(most + 1):
            if j:
                _, _, at, count, number = self.ledger[j - 1]
                blocks[at:at + count] = [number] * count
            if j >= least:
                yield j, blocks

    def count(self, file, cut):
        """How many of its writes are there; an error if that can't be."""
        data = get(file, self.first, SPAN)
        least, most = self.bounds(cut)
        found = []
        for at in range(SPAN):
            block = data[at * BLOCK:(at + 1) * BLOCK]
            found.append(struct.unpack_from("<Q", block)[0])
            if block != numbered(found[-1], at):
                raise AssertionError(f"cut {cut}: writer {self.number}: block "
                                     f"{at} is torn or from elsewhere")
        fits = [j for j, blocks in self.states(least, most)
                if blocks == found]
        if not fits:
            raise AssertionError(
                f"cut {cut}: writer {self.number} has {found}: not what "
                f"{least} to {most} of its writes leave; the last of them: "
                f"{self.ledger[max(0, least - 5):most]}")
        return fits


def bulk(file, count):
    """Fill the log with writes of 1 MiB that are never looked at."""
    for _ in range(count):
        put(file, BULK, bytes(MIB))


def history(disk, rng):
    """Two lives of the store with checkpoints; returns the writers."""
    volume = Volume(disk).create()
    file = volume.attach()
    # so full that a checkpoint comes while the writers are at work
    bulk(file, 40)
    disk.record("on", limit="400M")
    writers = [Writer(i, random.Random(rng.random())) for i in range(WRITERS)]
    for writer in writers[:3]:
        writer.start_on(file, disk)
    bulk(file, 24)
    for writer in writers[:3]:
        writer.join()
    os.close(file)
    volume.detach()
    volume.close()
    # and a second life, after an end in order
    volume = Volume(disk)
    file = volume.attach()
    writers[3].start_on(file, disk)
    writers[3].join()
    os.close(file)
    volume.detach()
    volume.close()
    for writer in writers:
        if writer.error:
            raise writer.error
    return writers


def settle(disk, writers, cut):
    """Open what the cut left; which counts of writes it may be."""
    volume = Volume(disk)
    file = volume.attach()
    fits = [writer.count(file, cut) for writer in writers]
    os.close(file)
    volume.detach()
    volume.close()
    return fits


def again(disk, writers, cut, fits, rng):
    """Cut the recovery itself, too: what was decided stays so."""
    second = disk.snapshot(rng.randint(1, disk.stat("record_ops")), "c",
                           seed=rng.randint(1, 1 << 30))
    try:
        if settle(second, writers, cut) != fits:
            raise AssertionError(f"cut {cut}: another answer after a cut in "
                                 "its recovery")
    finally:
        second.remove()


def point(disk, writers, cut, rng, twice):
    """One power cut."""
    keep = rng.choice(("random", "random", "random", "none", "all"))
    copy = disk.snapshot(cut, "b", seed=rng.randint(1, 1 << 30), keep=keep,
                         grain=rng.choice((512, 4096)))
    try:
        if twice:
            copy.record("on")
        fits = settle(copy, writers, cut)
        if twice:
            again(copy, writers, cut, fits, rng)
    finally:
        copy.remove()
    return fits


def sweep(disk, writers, points, rng):
    """Cuts all over the history, some of them with a second one."""
    start = time.monotonic()
    last = disk.stat("record_ops")
    kept = 0
    for i in range(points):
        # one at random out of each part, all parts equally long
        cut = 1 + (i * last + rng.randrange(last)) // points
        fits = point(disk, writers, cut, rng, not i % 4)
        kept += any(one[0] > writer.bounds(cut)[0]
                    for one, writer in zip(fits, writers))
    print(f"# {points} cuts, {(points + 3) // 4} of them twice, in "
          f"{time.monotonic() - start:.0f} s; {kept} kept writes that had no "
          "answer yet", flush=True)
    print(f"# sweep: store | {points} | {time.monotonic() - start:.0f}",
          flush=True)


def main():
    """The history once, then its cuts."""
    points, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    disk = Disk("a", size="256M")
    format_store(disk)
    start = time.monotonic()
    writers = history(disk, rng)
    print(f"# seed {seed}: {disk.stat('record_ops')} operations, "
          f"{WRITERS * WRITES} writes in {time.monotonic() - start:.0f} s",
          flush=True)
    sweep(disk, writers, points, rng)
    disk.remove()


if __name__ == "__main__":
    main()
