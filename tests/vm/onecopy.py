# SPDX-License-Identifier: GPL-2.0-only
"""A volume with one copy on a test disk, for cases in Python: what one.sh is
for those in shell, and blocks that say who they are.
"""
import mmap
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["QBD_TOP"], "tests", "testdisk"))

CLUSTER = "5eed0000-0000-4000-8000-000000000001"
STORE = "5eed0000-0000-4000-8000-0000000000aa"
BLOCK = 4096
MIB = 1 << 20


def qbdctl(*words):
    """One command; its output."""
    done = subprocess.run([os.environ["QBD_USER"] + "/qbdctl", *words],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"qbdctl {' '.join(words)}: {done.stdout}")
    return done.stdout


def format_store(disk):
    """Make an empty store with the smallest log."""
    qbdctl("store", "format", disk.path, "--cluster", CLUSTER, "--uuid",
           STORE, "--wal-size", "64M")


class Volume:
    """The one volume: two shards of 64 MiB, attached from one disk."""

    term = 0

    def __init__(self, disk):
        qbdctl("kernel", "store", "add", disk.path)

    def create(self):
        """Its replicas, in a new store."""
        for shard in range(2):
            qbdctl("kernel", "replica", "create", "--id", str(shard + 1),
                   "--volume", "1", "--shard", str(shard), "--size", "64M",
                   "--store", STORE, "--epoch", "1", "--members",
                   f"1:{shard + 1}")
        return self

    def attach(self, *options):
        """Attach it under the next term; returns it open."""
        Volume.term += 1
        path = qbdctl("kernel", "volume", "attach", "--id", "1", "--name",
                      "cut", "--size", "128M", "--shard-size", "64M",
                      "--term", str(Volume.term), "--shard", "0:1:1:1",
                      "--shard", "1:1:1:2", *options).split()[-1]
        return os.open(path, os.O_RDWR | os.O_DIRECT)

    @staticmethod
    def detach():
        """Detach it; nobody has it open."""
        qbdctl("kernel", "volume", "detach", "--id", "1")

    @staticmethod
    def close():
        """Close the store in order."""
        qbdctl("kernel", "store", "remove", STORE)


def numbered(number, block):
    """A block that says which write it is of; all of its sectors do."""
    if not number:
        return bytes(BLOCK)
    return struct.pack("<QQ", number, block) * (BLOCK // 16)


def put(file, block, data):
    """One direct write."""
    with mmap.mmap(-1, len(data)) as buf:
        buf[:] = data
        if os.pwrite(file, buf, block * BLOCK) != len(data):
            raise OSError("short write")


def get(file, block, blocks):
    """One direct read."""
    with mmap.mmap(-1, blocks * BLOCK) as buf:
        if os.preadv(file, [buf], block * BLOCK) != len(buf):
            raise OSError("short read")
        return buf[:]
