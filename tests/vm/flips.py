# SPDX-License-Identifier: GPL-2.0-only
"""One flipped bit in each region of a store, and what qbd makes of it.

The store was used and then lost its node, so that it has homes, a map and
replica table, and records that are only in the log. For each region a copy
of the disk gets one flipped bit and is opened. What may come of it:

    same      all blocks are read as they were written
    refused   the store or the volume does not come up; the answer says why
    errors    blocks are read as they were written or fail with EIO
    rotten    the block with the flipped bit is read with it

Wrong data is never right, except for "rotten": blocks at home carry no
checksum; there the flip has to show in that one block and nowhere else.

usage: flips.py ROUNDS SEED
"""
import errno
import os
import random
import re
import struct
import subprocess
import sys
import time

from onecopy import BLOCK, STORE, Volume, format_store, get, numbered, put
from onecopy import qbdctl
from td import Disk, wait_until

# Blocks of the volume that are written: what is at home in the end, what is
# only in the log, and what was zeroed in the log.
HOME = range(0, 64)
LOGGED = range(256, 320)
ALL = range(0, 320)
PAGE_MAGIC = 0x50444251
TABLE, MAP = 2, 3
MARK = "the next flip"


class Layout:
    """Where things are on the disk, in blocks."""

    def __init__(self, disk):
        self.disk = disk
        block = self.block(0)
        (self.wal_first, self.wal_blocks, self.meta_first, self.meta_pages,
         self.data_first) = struct.unpack_from("<5Q", block, 112)
        self.tail = struct.unpack_from("<2Q", block, 192)

    def block(self, number):
        """A block of the disk."""
        return self.disk.read(number * 8, 8)

    def segments(self):
        """The log: place of each segment, and its header."""
        lpos, seq = self.tail
        while True:
            place = self.wal_first + lpos % self.wal_blocks
            head = self.block(place)
            if (head[:4] != b"QBDS" or
                    struct.unpack_from("<2Q", head, 24) != (seq, lpos)):
                return
            yield place, head
            lpos += 1 + struct.unpack_from("<I", head, 60)[0]
            seq += 1

    def sealed(self):
        """True if the last segment of the log proves those before."""
        *_, (_, head) = self.segments()
        return struct.unpack_from("<I", head, 12)[0] & 1

    def pages(self, kind):
        """Places of the metadata pages of a kind that were written last."""
        newest = {}
        for place in range(self.meta_first,
                           self.meta_first + 2 * self.meta_pages):
            magic, its, gen, number = struct.unpack_from(
                "<IIII", self.block(place))
            if magic == PAGE_MAGIC and its == kind:
                newest[number] = max(newest.get(number, (0, 0)), (gen, place))
        return [place for _, place in newest.values()]

    def home(self):
        """A block with data at home that the volume shows."""
        for place in range(self.data_first, self.data_first + 4096):
            block = self.block(place)
            number, at = struct.unpack_from("<QQ", block)
            if number == 1 and at in HOME:
                return place, at
        raise AssertionError("no block is at home")


def prepare(disk):
    """A store with all kinds of things on it; returns what blocks hold."""
    holds = {}
    volume = Volume(disk).create()
    file = volume.attach()
    for at in HOME:
        put(file, at, numbered(1, at))
        holds[at] = 1
    os.close(file)
    volume.detach()
    volume.close()              # its last checkpoint brings them home
    volume = Volume(disk)
    file = volume.attach()
    for first in range(LOGGED.start, LOGGED.stop, 8):
        put(file, first, b"".join(numbered(2, first + i) for i in range(8)))
        holds.update((first + i, 2) for i in range(8))
    os.close(file)
    # an idle log is sealed: that proves its last segment
    wait_until(Layout(disk).sealed)
    qbdctl("kernel", "node", "crash", "--id", "1")
    return holds


def places(layout, rng):
    """Regions: name, what may come of a flip, where; the bits are random."""
    segments = list(layout.segments())
    writes = [place for place, head in segments
              if struct.unpack_from("<I", head, 60)[0] == 8]
    first, middle, last = writes[0], writes[len(writes) // 2], writes[-1]
    home = layout.home()
    anywhere = rng.randrange(BLOCK)
    return [
        ("superblock, slot 0", "same", [(0, anywhere)]),
        ("superblock, slot 1", "same", [(16, anywhere)]),
        ("superblock, both", "refused", [(0, anywhere), (16, anywhere)]),
        ("replica table", "refused", [(layout.pages(TABLE)[0], anywhere)]),
        ("map", "refused", [(layout.pages(MAP)[0], anywhere)]),
        ("log, first write: header", "refused", [(first, rng.randrange(64))]),
        ("log, first write: payload", "refused", [(first + 1, anywhere)]),
        ("log, amid: header", "refused", [(middle, rng.randrange(64))]),
        ("log, amid: descriptor", "refused",
         [(middle, 128 + rng.randrange(64))]),
        ("log, amid: payload", "refused",
         [(middle + 1 + rng.randrange(8), anywhere)]),
        ("log, last write: header", "refused", [(last, rng.randrange(64))]),
        ("log, last write: payload", "refused", [(last + 8, anywhere)]),
        ("log, what was never written", "same",
         [(layout.wal_first + layout.wal_blocks - 1, anywhere)]),
        ("home", "rotten", [(home[0], anywhere)]),
        ("a chunk that nobody has", "same",
         [(layout.data_first + 20000, anywhere)]),
    ]


def read_all(file, holds):
    """What is read: blocks that are right, wrong, and that fail."""
    right, wrong, failed = [], [], []
    for at in ALL:
        try:
            block = get(file, at, 1)
        except OSError as err:
            if err.errno != errno.EIO:
                raise
            failed.append(at)
            continue
        (right if block == numbered(holds.get(at, 0), at) else
         wrong).append(at)
    return right, wrong, failed


def kernel_log():
    """What the kernel said."""
    return subprocess.run(["dmesg"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout


def damage_said():
    """What the kernel said of damage since the last store was opened."""
    said = kernel_log().split(MARK)[-1]
    return "; ".join(re.findall(r"/dev/td_b: damage: (.*)", said))


def refusal(answer):
    """Is it a refusal for a reason?

    The kernel's log names the place too, but not each time: it is ratelimited.
    """
    why = re.search(r"store failed: (.*)|only replica: (.*)", answer)
    damage = damage_said() or "ratelimited"
    if not why or "see dmesg" in answer:
        return "unexplained", f"{answer} (kernel: {damage})"
    return "refused", f"{why[1] or why[2]} (kernel: {damage})"


def outcome(disk, holds):
    """Open the store of a disk; what came of it, and why."""
    qbdctl("kernel", "node", "start", "--id", "1", "--name", "n1",
           "--cluster", "5eed0000-0000-4000-8000-000000000001")
    with open("/dev/kmsg", "w", encoding="ascii") as log:
        log.write(MARK + "\n")
    try:
        file = Volume(disk).attach("--timeout", "120")
    except RuntimeError as err:
        return refusal(str(err))
    try:
        right, wrong, failed = read_all(file, holds)
    finally:
        os.close(file)
    if wrong:
        return "rotten" if len(right) + len(wrong) == len(ALL) else "wrong", \
            f"blocks {wrong}"
    return ("errors", f"blocks {failed}") if failed else ("same", "")


def flip(disk, name, expected, where, holds, rng):
    """One region; an error if what came of it is not right."""
    copy = disk.clone("b")
    try:
        for block, at in where:
            copy.flip(block * BLOCK + at, rng.randrange(8))
        got, why = outcome(copy, holds)
        print(f"# {name}: {got} {why}", flush=True)
        return [] if got == expected else [f"{name}: {got}, not {expected}"]
    finally:
        qbdctl("kernel", "node", "crash", "--id", "1")
        copy.remove()


def main():
    """Make the store, then flip bits in copies of it."""
    rounds, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    print(f"# seed {seed}", flush=True)
    disk = Disk("a", size="256M")
    format_store(disk)
    holds = prepare(disk)
    layout = Layout(disk)
    start = time.monotonic()
    bad = []
    for _ in range(rounds):
        for name, expected, where in places(layout, rng):
            bad += flip(disk, name, expected, where, holds, rng)
    disk.remove()
    if "td_b: damage: " not in kernel_log():
        bad.append("the kernel's log names no damage at all")
    print(f"# {time.monotonic() - start:.0f} s", flush=True)
    if bad:
        raise SystemExit("# " + "\n# ".join(bad))


if __name__ == "__main__":
    main()
