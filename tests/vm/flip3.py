#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Flip a bit in a region of a store that has the ledger's blocks.

usage: flip3.py NAME sealed         of a test disk: is its log closed by a seal?
       flip3.py NAME place REGION   the sector of the disk where it begins
       flip3.py NAME REGION SEED    a bit of that, drawn by the seed
       flip3.py NAME block N BIT    of the ledger's block N, where it is at home;
                                    prints the disk's block
       flip3.py regions             those that there are

But for "block" the store has to be closed.
"""
import random
import struct
import sys

from flips import BLOCK, MAP, TABLE, Layout
from ledger import content
from td import Disk

# Blocks of the ledger from here on were not written again after they had come
# home: there they are what the volume shows.
HOME_FROM = 256
DATA_BLOCKS = 8192


def segment(layout, number):
    """One of those of the log that have a payload, counted from its end: those
    at its begin may be at home already."""
    return [place for place, head in layout.segments()
            if struct.unpack_from("<I", head, 60)[0]][-number]


def amid(layout):
    """One with others behind it."""
    return segment(layout, 6)


def home(layout):
    """A block at home that the volume shows."""
    for place in range(layout.data_first, layout.data_first + DATA_BLOCKS):
        block = layout.block(place)
        number, version = struct.unpack_from("<QQ", block)
        if (version and HOME_FROM <= number < 2 * HOME_FROM and
                block == content(number, version)):
            return place
    raise SystemExit("no block is at home")


def home_of(layout, number):
    """Where a block of the ledger is at home."""
    for place in range(layout.data_first, layout.data_first + DATA_BLOCKS):
        block = layout.block(place)
        if (block[:8] == struct.pack("<Q", number) and block ==
                content(number, struct.unpack_from("<Q", block, 8)[0])):
            return place
    raise SystemExit(f"block {number} is not at home")


# Region: the blocks that get a flipped bit, and from which byte to which.
REGIONS = {
    "superblock-0": lambda layout: ([0], 0, BLOCK),
    "superblock-1": lambda layout: ([16], 0, BLOCK),
    "superblocks": lambda layout: ([0, 16], 0, BLOCK),
    "log-header": lambda layout: ([amid(layout)], 0, 64),
    "log-descriptor": lambda layout: ([amid(layout)], 128, 192),
    "log-payload": lambda layout: ([amid(layout) + 1], 0, BLOCK),
    "log-end": lambda layout: ([segment(layout, 1) + 1], 0, BLOCK),
    "table": lambda layout: ([layout.pages(TABLE)[0]], 0, BLOCK),
    "map": lambda layout: ([layout.pages(MAP)[0]], 0, BLOCK),
    "home": lambda layout: ([home(layout)], 0, BLOCK),
}


def main():
    """What was asked for."""
    if sys.argv[1] == "regions":
        print(*REGIONS)
        return 0
    disk = Disk(sys.argv[1], make=False)
    layout = Layout(disk)
    if sys.argv[2] == "sealed":
        return not layout.sealed()
    if sys.argv[2] == "block":
        place = home_of(layout, int(sys.argv[3]))
        disk.flip(place * BLOCK + 1000, int(sys.argv[4]))
        print(place)
        return 0
    if sys.argv[2] == "place":
        print(8 * REGIONS[sys.argv[3]](layout)[0][0])
        return 0
    rng = random.Random(sys.argv[3])
    places, first, end = REGIONS[sys.argv[2]](layout)
    at, bit = rng.randrange(first, end), rng.randrange(8)
    for place in places:
        disk.flip(place * BLOCK + at, bit)
    disk.close()
    print(f"block {places}, byte {at}, bit {bit}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
