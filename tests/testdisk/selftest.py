# SPDX-License-Identifier: GPL-2.0-only
"""Shows that the test disk does what it says.

Each fault fires, flushed data always survives, unflushed data survives as the
seed says, an armed crash is exact, a snapshot equals the crash, and nothing
hangs. The module is loaded already; prints KTAP.

usage: selftest.py [GLOB]
"""
import errno
import fnmatch
import os
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import selftest_crash  # noqa: E402
import selftest_fault  # noqa: E402
from td import (BLKZEROOUT, SECTOR, Disk, TdError,  # noqa: E402
                command, names)
from selftest_lib import fails, pattern, zeros  # noqa: E402


def basic_limits():
    """The queue says what was asked for."""
    def queue(name, what):
        path = f"/sys/block/td_{name}/queue/{what}"
        with open(path, encoding="ascii") as src:
            return src.read().strip()
    Disk("a", size="16M")
    assert queue("a", "write_cache") == "write back"
    assert queue("a", "fua") == "1"
    assert queue("a", "logical_block_size") == "4096"
    with open("/sys/block/td_a/size", encoding="ascii") as src:
        assert src.read() == "32768\n"
    Disk("b", size="16M", cache="off", block=512, prealloc="on")
    assert queue("b", "write_cache") == "write through"
    assert queue("b", "logical_block_size") == "512"
    assert names() == ["a", "b"]
    assert Disk("b", make=False).stat("pages") == 4096


def basic_refusals():
    """Bad commands fail, say why, and change nothing."""
    def refused(*words, **options):
        try:
            command(*words, **options)
        except TdError:
            return True
        return False
    for options in ({}, {"size": 1000}, {"size": "1M", "sizze": 3},
                    {"size": "2T"}, {"size": "1M", "block": 1024},
                    {"size": "1M", "cache": "perhaps"},
                    {"size": "1M", "read_ns": -1}, {"size": "1Q"},
                    {"size": "1M", "depth": 0},
                    {"size": "1M", "backing": "/dev/null"}):
        assert refused("create", "a", **options), options
    assert refused("create", "a/b", size="1M")
    assert refused("create", "x" * 25, size="1M")
    for line in ("nonsense", "stat", "stat a", "list list", "stat a b"):
        assert refused(line), line
    Disk("a", size="1M")
    try:
        command("create", "a", size="1M")
        raise AssertionError("two of one name")
    except TdError as err:
        assert "a exists" in str(err)
    for line in ("fault a lost op=read", "fault a melt", "fault a torn",
                 "fault a misdirect to=2048", "fault a misdirect to=1",
                 "fault a eio nth=0", "fault a flip bit=8", "poke a 0 abc",
                 "poke a 1048575 0000", "peek a 1048576 1", "peek a 0 5000",
                 "flip a 0 8", "snapshot a 1 b", "clear a id=7",
                 "record a maybe", "crash a keep=some", "crash a grain=8",
                 "remove a force=1", "crash_after a x"):
        assert refused(line), line
    assert names() == ["a"]


def basic_data():
    """What was written is read, wherever it is."""
    disk = Disk("a", size="64M", block=512)
    for sector, sectors in ((0, 33), (7, 1), (9, 2040), (131039, 33),
                            (4095, 2), (1, 8)):
        data = pattern(sectors, sector)
        disk.write(sector, data)
        assert disk.read(sector, sectors) == data
    assert disk.read(7, 1) == pattern(8, 1)[6 * SECTOR:7 * SECTOR]
    assert bytes.fromhex(disk.peek(513, 40)) == pattern(8, 1)[1:41]
    stat = disk.stat()
    assert stat["writes"] == stat["ops"] == 6
    assert stat["write_sectors"] == 2117
    assert stat["nomem"] == stat["errors"] == 0


def basic_discard():
    """Discarded and zeroed ranges read as zeros, once durable for good."""
    disk = Disk("a", size="4M")
    data = pattern(2048, 1)
    disk.write(0, data)
    disk.write(4096, data)
    disk.discard(0, 1024)
    disk.discard(4096, 2048, BLKZEROOUT)
    assert disk.stat("discards") == disk.stat("zeroes") == 1
    assert disk.read(0, 2048) == zeros(1024) + data[1024 * SECTOR:]
    assert disk.read(4096, 2048) == zeros(2048)
    disk.cycle(keep="none")
    assert disk.content() == zeros(8192)
    disk.write(0, data)
    disk.flush()
    disk.discard(8, 16)
    disk.cycle(keep="none")
    assert disk.read(0, 2048) == data
    disk.discard(8, 16)
    disk.cycle(keep="all")
    assert disk.read(8, 16) == zeros(16)
    disk.discard(8, 2000)
    disk.flush()
    disk.cycle(keep="none")
    assert disk.read(8, 2000) == zeros(2000)


def basic_latency():
    """No request is faster than the law says; the upper side is icount's."""
    def took_ms(call, *args):
        start = time.monotonic()
        call(*args)
        return (time.monotonic() - start) * 1000
    disk = Disk("a", size="1M", read_ns=30000000, write_ns=40000000,
                flush_ns=50000000)
    assert took_ms(disk.read, 0, 8) >= 30
    assert took_ms(disk.write, 0, zeros(8)) >= 40
    assert took_ms(disk.flush) >= 50
    disk.latency(read_ns=0, kib_ns=10000000)
    assert took_ms(disk.read, 0, 16) >= 80


def basic_poke():
    """Bytes on the medium change behind the cache."""
    disk = Disk("a", size="1M")
    disk.write(8, pattern(8, 1))
    disk.poke(5000, "00ff00ff")
    assert disk.peek(4999, 6) == f"{pattern(8, 1)[903]:02x}00ff00ff" + \
        f"{pattern(8, 1)[908]:02x}"
    before = int(disk.peek(6000, 1), 16)
    disk.flip(6000, 3)
    assert int(disk.peek(6000, 1), 16) == before ^ 8
    disk.cycle(keep="none")
    assert disk.peek(4999, 6) == "0000ff00ff00"
    # across two blocks
    disk.poke(4090, "11" * 12)
    assert disk.read(0, 16)[4089:4103] == b"\0" + b"\x11" * 12 + b"\0"


def basic_backing():
    """Durable content is on the backing device, volatile content is not."""
    base = Disk("base", size="4M", cache="off")
    base.write(512, pattern(8, 7))
    disk = Disk("a", backing="/dev/td_base")
    assert disk.stat("size") == 4 << 20
    assert disk.read(512, 8) == pattern(8, 7)
    disk.write(0, pattern(64, 1))
    disk.flush()
    disk.write(0, pattern(64, 2))
    assert fails(errno.EBUSY, command, "create", "b",
                 backing="/dev/td_base")
    # a machine that dies writes nothing more to its medium
    base.crash()
    disk.remove()
    base.revive()
    disk = Disk("a", backing="/dev/td_base")
    assert disk.read(0, 64) == pattern(64, 1)
    disk.fault("lost", op="flush")
    disk.write(64, pattern(64, 3))
    disk.write(128, pattern(64, 4), dsync=True)
    disk.crash(keep="none")
    disk.revive()
    disk.remove()
    disk = Disk("a", backing="/dev/td_base")
    assert disk.read(0, 192) == pattern(64, 1) + zeros(64) + pattern(64, 4)
    assert disk.stat("backing_errors") == 0
    # a backing device that fails is not hidden
    base.fault("eio", op="write")
    disk.write(0, pattern(8, 5))
    assert fails(errno.EIO, disk.flush)
    assert disk.stat("backing_errors") == 1
    base.clear()


def tests(glob):
    """Name and function of each test."""
    for where, prefix in ((globals(), "basic_"),
                          (vars(selftest_crash), "crash_"),
                          (vars(selftest_fault), "fault_")):
        for name, call in where.items():
            if name.startswith(prefix) and fnmatch.fnmatch(name, glob):
                yield name, call


def main():
    """Run all; exit code 1 if one failed."""
    failed = number = 0
    print("TAP version 13")
    for name, call in tests(sys.argv[1] if len(sys.argv) > 1 else "*"):
        number += 1
        start = time.monotonic()
        try:
            call()
            word = "ok"
        except Exception:  # pylint: disable=broad-except
            print("# " + traceback.format_exc().replace("\n", "\n# "))
            word = "not ok"
            failed += 1
        for disk in names():
            command("remove", disk)
        took_ms = int((time.monotonic() - start) * 1000)
        print(f"{word} {number} - {name}: {call.__doc__} # {took_ms} ms",
              flush=True)
    print(f"1..{number}")
    return 1 if failed or not number else 0


if __name__ == "__main__":
    sys.exit(main())
