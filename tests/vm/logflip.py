#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Flip one bit in the middle of the log of a closed store, in a payload.

What lies behind proves that the record was whole once: the replica lacks it,
and may lack promises too.

usage: logflip.py NAME      of a test disk
"""
import struct
import sys

from flips import BLOCK, Layout
from td import Disk


def main():
    """Find a segment amid those with payload, flip a bit of that."""
    disk = Disk(sys.argv[1], make=False)
    full = [place for place, head in Layout(disk).segments()
            if struct.unpack_from("<I", head, 60)[0]]
    place = full[len(full) // 2] + 1
    disk.flip(place * BLOCK + 100, 3)
    print(f"# segment {len(full) // 2} of {len(full)}, block {place}")


if __name__ == "__main__":
    main()
