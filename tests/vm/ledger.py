#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A ledger of blocks: what was written, what was acknowledged, what is there.

	ledger.py write DEVICE LEDGER [--blocks N] [--threads N] [--pause MS]
	ledger.py check DEVICE LEDGER
	ledger.py read DEVICE BLOCK

"write" overwrites blocks of 4 KiB round and round, each time with the next
version, until it gets an error or is killed; a block is full of its number
and version, so that a torn one is seen. LEDGER is a file in memory with two
versions of each block: tried, noted before the write, and acknowledged, noted
after it. Its first line is for scripts: writes acknowledged since it was made,
and milliseconds that the slowest of the last run took. A pause after each
write leaves CPU to others.

"check" reads them all: none may be older than the version acknowledged, or
newer than the one tried. What it has read counts as acknowledged from then
on: a version once read never goes back. "read" prints the version of a block.

Exit code 1: an I/O error (write, read), or something is lost (check).
"""
import argparse
import mmap
import os
import struct
import sys
import threading
import time

BLOCK = 4096
HEAD = 4096
_ENTRY = struct.Struct("<QQ")


class Ledger:
    """The file: a head, then (tried, acknowledged) of each block."""

    def __init__(self, path, blocks=None):
        if not os.path.exists(path):
            with open(path, "wb") as out:
                out.truncate(HEAD + _ENTRY.size * blocks)
        self._file = open(path, "r+b")
        self._map = mmap.mmap(self._file.fileno(), 0)
        self._lock = threading.Lock()
        self.blocks = (len(self._map) - HEAD) // _ENTRY.size
        words = self._map[:64].split(b"\n")[0].split()
        self._count = int(words[0]) if len(words) == 2 else 0
        self._slowest_ms = 0

    def get(self, block):
        """(tried, acknowledged)"""
        return _ENTRY.unpack_from(self._map, HEAD + _ENTRY.size * block)

    def put(self, block, tried, acked):
        """Note both."""
        _ENTRY.pack_into(self._map, HEAD + _ENTRY.size * block, tried, acked)

    def acked(self, took_ms):
        """One more write was acknowledged, after so long."""
        with self._lock:
            self._count += 1
            self._slowest_ms = max(self._slowest_ms, took_ms)
            self._map[:40] = b"%-19d %-19d\n" % (self._count,
                                                 self._slowest_ms)


def content(block, version):
    """A block full of its number and version."""
    return struct.pack("<QQ", block, version) * (BLOCK // 16)


class Device:
    """Direct I/O, one block at a time; for one thread."""

    def __init__(self, path, flags):
        self._fd = os.open(path, flags | os.O_DIRECT)
        self._page = mmap.mmap(-1, BLOCK)

    def write(self, block, data):
        """Write a block."""
        self._page[:] = data
        if os.pwritev(self._fd, [self._page], block * BLOCK) != BLOCK:
            raise OSError("short write")

    def read(self, block):
        """Read a block; returns its version."""
        if os.preadv(self._fd, [self._page], block * BLOCK) != BLOCK:
            raise OSError("short read")
        data = bytes(self._page)
        number, version = struct.unpack_from("<QQ", data)
        if not any(data):
            return 0
        if number != block or data != content(block, version):
            raise ValueError(f"block {block} is torn, or none of ours: "
                             f"{data[:32].hex()}")
        return version


def write(args):
    """Threads that write, each to blocks of its own."""
    ledger = Ledger(args.ledger, args.blocks)

    never = threading.Event()

    def writer(first):
        device = Device(args.device, os.O_WRONLY)
        while True:
            for block in range(first, ledger.blocks, args.threads):
                tried, acked = ledger.get(block)
                ledger.put(block, tried + 1, acked)
                start = time.monotonic()
                try:
                    device.write(block, content(block, tried + 1))
                except OSError as error:
                    print(f"ledger: block {block}: {error}", file=sys.stderr)
                    os._exit(1)
                ledger.put(block, tried + 1, tried + 1)
                ledger.acked(int(1000 * (time.monotonic() - start)))
                never.wait(args.pause / 1000)

    threads = [threading.Thread(target=writer, args=(first,))
               for first in range(args.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def check(args):
    """Is everything there that has to be?"""
    ledger = Ledger(args.ledger)
    device = Device(args.device, os.O_RDONLY)
    bad = newer = 0
    for block in range(ledger.blocks):
        tried, acked = ledger.get(block)
        version = device.read(block)
        if not acked <= version <= tried:
            print(f"block {block}: has version {version}, acknowledged "
                  f"{acked}, tried {tried}")
            bad += 1
        newer += version > acked
        ledger.put(block, tried, max(version, acked))
    print(f"{ledger.blocks} blocks, {bad} bad, {newer} newer than "
          "acknowledged")
    return bad != 0


def read(args):
    """Print the version of a block."""
    print(Device(args.device, os.O_RDONLY).read(args.block))


def main():
    """Parse and do."""
    parser = argparse.ArgumentParser(description="a ledger of blocks")
    verbs = parser.add_subparsers(required=True)
    for verb in (write, check, read):
        one = verbs.add_parser(verb.__name__)
        one.set_defaults(run=verb)
        one.add_argument("device")
        if verb is read:
            one.add_argument("block", type=int)
            continue
        one.add_argument("ledger")
        if verb is write:
            one.add_argument("--blocks", type=int, default=1024)
            one.add_argument("--threads", type=int, default=4)
            one.add_argument("--pause", type=int, default=0, metavar="MS")
    args = parser.parse_args()
    try:
        return args.run(args)
    except (OSError, ValueError) as error:
        print(f"ledger: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
