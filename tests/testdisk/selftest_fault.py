# SPDX-License-Identifier: GPL-2.0-only
"""Faults: part of selftest.py.

Each fires where and as often as it was told to; a disk that is stuck or goes
away hangs nobody.
"""
import errno
import os
import threading

from selftest_lib import fails, mix, pattern, zeros
from td import Background, Disk, TdError, command, wait_until

A, B = pattern(16, 1), pattern(16, 2)


def prepare(**options):
    """A disk of 1 MiB with A at its start, durable."""
    disk = Disk("a", size="1M", block=512, **options)
    disk.write(0, A)
    disk.flush()
    return disk


def fault_eio():
    """eio: by operation, range, count."""
    disk = prepare()
    fault = disk.fault("eio", op="write", nth=2, count=1, **{"from": 8},
                       len=4)
    disk.write(100, B)
    disk.write(0, B)
    assert fails(errno.EIO, disk.write, 0, A)
    disk.write(0, B)
    assert disk.hits(fault) == 1 and disk.stat("errors") == 1
    assert disk.read(0, 16) == B
    disk.fault("eio", op="read", count=1)
    assert fails(errno.EIO, disk.read, 0, 8)
    assert disk.read(0, 16) == B
    disk.fault("eio", op="discard")
    assert fails(errno.EIO, disk.discard, 0, 8)
    disk.fault("eio", op="fua", count=1)
    disk.write(0, A)
    assert fails(errno.EIO, disk.write, 0, B, dsync=True)
    disk.clear(id=fault)
    assert fails(errno.ENOENT, disk.clear, id=fault)
    disk.clear()
    assert disk.faults() == ""
    disk.discard(0, 8)


def fault_flush():
    """A flush that fails or lies makes nothing durable."""
    for kind in ("eio", "lost"):
        disk = prepare()
        disk.write(0, B)
        disk.fault(kind, op="flush", count=1)
        assert fails(errno.EIO, disk.flush) == (kind == "eio")
        assert disk.stat("unflushed_sectors") == 16
        disk.cycle(keep="none")
        assert disk.read(0, 16) == A
        disk.remove()


def fault_nospc():
    """nospc: ENOSPC, and nothing is stored."""
    disk = prepare()
    disk.fault("nospc", count=1, **{"from": 100})
    assert fails(errno.ENOSPC, disk.write, 100, B)
    assert disk.read(100, 16) == zeros(16)
    disk.write(100, B)


def fault_lost():
    """lost: acknowledged, not stored."""
    disk = prepare()
    disk.fault("lost", op="write", count=1)
    disk.write(0, B)
    assert disk.read(0, 16) == A
    disk.write(0, B)
    assert disk.read(0, 16) == B


def fault_torn():
    """torn: the first sectors are stored; with eio it also fails."""
    disk = prepare()
    disk.fault("torn", sectors=5, count=1)
    disk.write(0, B)
    assert mix(disk.read(0, 16), A, B) == [11, 5, 0]
    disk.fault("torn", sectors=9, count=1)
    disk.fault("eio", op="write", count=1)
    assert fails(errno.EIO, disk.write, 0, B)
    assert mix(disk.read(0, 16), A, B) == [7, 9, 0]
    disk.fault("torn", sectors=0, count=1)
    disk.fault("flip", op="write", count=1)
    disk.write(0, B)
    assert mix(disk.read(0, 16), A, B) == [7, 9, 0]


def fault_misdirect():
    """misdirect: other sectors are written or read, up to the last."""
    disk = prepare()
    disk.fault("misdirect", op="write", to=1000, count=1)
    disk.write(0, B)
    assert disk.read(0, 16) == A and disk.read(1000, 16) == B
    disk.fault("misdirect", op="read", to=1000, count=1)
    assert disk.read(0, 16) == B and disk.read(0, 16) == A
    disk.fault("misdirect", op="write", to=2040, count=1)
    disk.write(0, B)
    assert disk.read(2040, 8) == B[:4096]


def fault_flip():
    """flip: one bit is wrong, on the medium or on its way."""
    disk = prepare()
    disk.fault("flip", op="read", offset=1000, bit=2, count=1)
    assert disk.read(8, 8) == A[4096:]
    bad = bytearray(A)
    bad[1000] ^= 4
    assert disk.read(0, 16) == bytes(bad) and disk.read(0, 16) == A
    disk.fault("flip", op="write", byte=4097, bit=7, count=1)
    disk.write(0, B)
    bad = bytearray(B)
    bad[4097] ^= 128
    assert disk.read(0, 16) == bytes(bad)


def fault_stall():
    """stall: until it is released, for a time, or until a crash."""
    disk = prepare()
    disk.fault("stall", op="write", count=1)
    write = disk.background("write", 0, B)
    disk.wait("held", 1)
    assert disk.read(0, 16) == A and not write.done()
    disk.release()
    assert write.error() is None and disk.read(0, 16) == B
    disk.fault("stall", op="read", ms=60000, count=1)
    read = disk.background("read", 0, 8)
    disk.wait("inflight", 1)
    disk.fault("stall", op="write")
    write = disk.background("write", 0, A)
    disk.wait("held", 1)
    disk.crash(keep="none")
    assert write.error(20).errno == errno.EIO
    assert read.error(20).errno == errno.EIO
    disk.clear()
    disk.revive()
    assert disk.read(0, 16) == A


def fault_vanish():
    """The disk goes away with requests stuck, and comes back as it was."""
    disk = prepare()
    disk.fault("stall", op="write")
    write = disk.background("write", 0, B)
    disk.wait("held", 1)
    disk.vanish()
    assert write.error(20).errno == errno.EIO
    assert not os.path.exists("/sys/block/td_a")
    assert disk.stat("disk") == "gone"
    disk.close()
    disk.clear()
    disk.revive()
    assert disk.read(0, 16) == A
    # the cable, not the power: the cache keeps what it had
    disk.write(16, B)
    disk.vanish()
    disk.close()
    disk.revive()
    assert disk.read(16, 16) == B
    disk.crash_after(2, keep="none", vanish="on")
    disk.write(0, B)
    assert fails(errno.EIO, disk.write, 16, B)
    disk.wait("disk", "gone")
    disk.close()
    wait_until(lambda: not os.path.exists("/sys/block/td_a"))
    disk.revive()
    assert disk.read(0, 32) == A + zeros(16)


def _load(disk, number, stop):
    fd = disk.fd()
    while not stop.is_set():
        try:
            if number % 3:
                disk.write(number * 8, A)
            else:
                disk.read(0, 64)
            if number % 5 == 0:
                os.fsync(fd)
        except OSError as err:
            # EIO: no power; ENOSPC: a disk that is gone has no sectors
            if err.errno not in (errno.EIO, errno.ENOSPC):
                raise
            stop.wait(0.05)


def fault_under_load():
    """Crash, revive, stall, vanish, remove: all under load, none hangs."""
    for step in ("crash", "hold", "stall", "vanish", "remove"):
        disk = prepare(write_ns=500000000, read_ns=500000000)
        disk.fd()
        stop = threading.Event()
        threads = [Background(_load, disk, number, stop)
                   for number in range(16)]
        wait_until(lambda: disk.stat("inflight") > 5)
        if step == "crash":
            disk.cycle(seed=1)
            wait_until(lambda: disk.stat("inflight") > 5)
        elif step == "hold":
            disk.crash(io="hold")
            wait_until(lambda: disk.stat("held") > 5)
        elif step == "stall":
            disk.fault("stall", op="write")
            wait_until(lambda: disk.stat("held") > 5)
        elif step == "vanish":
            disk.vanish()
        command("remove", "a")
        stop.set()
        for thread in threads:
            assert thread.error() is None
        disk.close()
        try:
            disk.stat()
            raise AssertionError("it is still there")
        except TdError as err:
            assert err.errno == errno.ENOENT
