# SPDX-License-Identifier: GPL-2.0-only
"""Power cuts: part of selftest.py.

What is durable stays, the rest goes as the seed says, exactly at the armed
operation, and a snapshot of the past shows the same bytes.
"""
import errno
import random

from selftest_lib import fails, mix, pattern, split, zeros
from td import SECTOR, Background, Disk


def two_layers(name="a", **options):
    """A disk with A durable and B volatile over it, 1 MiB."""
    disk = Disk(name, size="1M", **options)
    disk.write(0, pattern(2048, 1))
    disk.flush()
    disk.write(0, pattern(2048, 2))
    return disk


def crash_law():
    """Every unflushed sector is the old one or the new, as the seed says."""
    kept = lost = 0
    for seed in range(1, 9):
        disk = two_layers()
        assert disk.stat("unflushed_sectors") == 2048
        disk.cycle(seed=seed)
        old, new, other = mix(disk.content(), pattern(2048, 1),
                              pattern(2048, 2))
        assert other == 0
        assert (old, new) == (disk.stat("crash_lost"),
                              disk.stat("crash_kept"))
        assert disk.stat("unflushed_sectors") == 0
        # whatever it was, it is durable now
        before = disk.content()
        disk.cycle(keep="none")
        assert disk.content() == before
        kept, lost = kept + new, lost + old
        disk.remove()
    assert kept > 1500 and lost > 1500, (kept, lost)


def crash_flushed():
    """What was flushed, or written without a cache, needs no luck."""
    disk = two_layers()
    disk.cycle(keep="none")
    assert disk.content() == pattern(2048, 1)
    disk.write(0, pattern(2048, 2))
    disk.cycle(keep="all")
    assert disk.content() == pattern(2048, 2)
    for seed in range(8):
        disk.write(100 * 8, pattern(64, seed))
        disk.flush()
        disk.cycle(seed=seed)
        assert disk.read(800, 64) == pattern(64, seed)
    disk.remove()
    disk = two_layers(cache="off")
    assert disk.stat("unflushed_sectors") == 0
    disk.cycle(keep="none")
    assert disk.content() == pattern(2048, 2)


def crash_flush_covers():
    """A flush covers what completed before it arrived, nothing later."""
    disk = Disk("a", size="1M", block=512)
    disk.write(0, pattern(8, 1))
    disk.fault("stall", op="flush", count=1)
    flush = disk.background("flush")
    disk.wait("held", 1)
    disk.write(3, pattern(8, 2))
    disk.release()
    assert flush.error() is None
    disk.cycle(keep="none")
    assert disk.read(0, 16) == pattern(8, 1) + zeros(8)


def crash_in_flight():
    """A write that has not completed is not covered by a flush."""
    disk = Disk("a", size="1M")
    disk.fault("stall", op="write", count=1)
    write = disk.background("write", 0, pattern(64, 1))
    disk.wait("held", 1)
    disk.flush()
    disk.crash(keep="none")
    assert write.error().errno == errno.EIO
    disk.revive()
    assert disk.content() == zeros(2048)


def crash_tear():
    """A write in flight is stored whole, in part or not at all."""
    shapes = set()
    for seed in range(24):
        disk = Disk("a", size="1M")
        disk.write(0, pattern(64, 1))
        disk.flush()
        disk.crash_after(1, seed=seed)
        assert fails(errno.EIO, disk.write, 0, pattern(64, 2))
        disk.revive()
        got = split(disk.read(0, 64))
        new = [a == b for a, b in zip(got, split(pattern(64, 2)))]
        assert mix(b"".join(got), pattern(64, 1), pattern(64, 2))[2] == 0
        if all(new) or not any(new):
            shapes.add("all" if all(new) else "none")
        else:
            shapes.add("any" if True in new[new.index(False):] else "prefix")
        disk.remove()
    assert shapes == {"all", "none", "any", "prefix"}, shapes


def crash_grain():
    """With grain=4096 blocks survive whole."""
    disk = two_layers()
    disk.cycle(seed=2, grain=4096)
    got = split(disk.content())
    old = split(pattern(2048, 1))
    kinds = {sum(got[at + i] == old[at + i] for i in range(8))
             for at in range(0, 2048, 8)}
    assert kinds == {0, 8}, kinds


def crash_fua():
    """FUA makes this write durable, and nothing else."""
    disk = Disk("a", size="1M")
    disk.fault("lost", op="flush")     # O_DSYNC sends one of those as well
    disk.write(0, pattern(64, 1))
    disk.write(64, pattern(64, 2), dsync=True)
    assert disk.stat("fuas") == 1
    disk.cycle(keep="none")
    assert disk.read(0, 128) == zeros(64) + pattern(64, 2)
    disk.write(128, pattern(64, 1))
    disk.write(128, pattern(64, 2), dsync=True)
    disk.cycle(keep="none")
    assert disk.read(128, 64) == pattern(64, 2)


def crash_seed():
    """One history and one seed leave one content."""
    disk = two_layers()
    seen = []
    for seed in (1, 2, 3, 4):
        one, two = disk.clone("x"), disk.clone("y")
        one.cycle(seed=seed)
        two.cycle(seed=seed)
        assert one.content() == two.content()
        assert one.content() not in seen
        seen.append(one.content())
        one.remove()
        two.remove()
    assert disk.content() == pattern(2048, 2)


def crash_exact():
    """An armed crash happens at the arrival of its operation."""
    disk = Disk("a", size="1M")
    disk.write(0, pattern(8, 0))
    disk.crash_after(5, keep="all")
    for number in range(1, 5):
        disk.write(number * 8, pattern(8, number))
        disk.read(0, 8)
        assert disk.stat("crash_left") == 5 - number
    assert disk.stat("state") == "running"
    assert fails(errno.EIO, disk.write, 40, pattern(8, 5))
    stat = disk.stat()
    assert stat["state"] == "crashed" and stat["ops"] == 6
    assert stat["crash_inflight"] == 1
    assert fails(errno.EIO, disk.read, 0, 8)
    assert fails(errno.EALREADY, disk.crash)
    disk.revive()
    assert disk.read(40, 8) == pattern(8, 5)
    disk.crash_after(1)
    disk.crash_after(0)
    disk.write(48, pattern(8, 6))


def crash_hold():
    """A crash may leave requests unanswered until the power is back."""
    disk = Disk("a", size="1M", write_ns=1000000000)
    flying = disk.background("write", 0, pattern(8, 1))
    disk.wait("inflight", 1)
    disk.crash(io="hold", keep="none")
    late = disk.background("read", 0, 8)
    disk.wait("held", 2)
    assert not flying.done() and not late.done()
    disk.revive()
    assert flying.error().errno == errno.EIO
    assert late.error().errno == errno.EIO
    assert disk.read(0, 8) == zeros(8)


def workload(disk):
    """Writes, flushes and discards, one after the other; false if it fails."""
    try:
        for i in range(1, 7):
            data = pattern(i * 16, i)
            disk.write(i * 40, data)
            disk.write(1000 - i * 24, data)
            if i % 3 == 0:
                disk.flush()
            if i == 4:
                disk.discard(128, 80)
            disk.write(512, data, dsync=True)
    except OSError:
        return False
    return True


def crash_snapshot():
    """A snapshot at operation N equals a crash at N, at any N."""
    disk = Disk("a", size="1M")
    disk.write(0, pattern(1024, 9))
    origin = disk.clone("origin")
    disk.record("on")
    assert workload(disk)
    ops = disk.stat("record_ops")
    assert ops >= 24 and disk.stat("record") == "on"
    assert fails(errno.ERANGE, disk.snapshot, ops + 1, "s")
    for number in range(1, ops + 1, 3):
        shot = disk.snapshot(number, "s", seed=number)
        real = origin.clone("r")
        real.crash_after(number, seed=number)
        assert not workload(real)
        assert real.stat("ops") == number
        real.revive()
        assert shot.content() == real.content(), number
        shot.remove()
        real.remove()
    assert disk.snapshot(0, "s", keep="none").content() == zeros(2048)
    assert disk.snapshot(0, "t", keep="all").content() == \
        pattern(1024, 9) + zeros(1024)


def _load(disk, seed):
    rng = random.Random(seed)
    try:
        while True:
            sectors = rng.randrange(1, 64)
            disk.write(rng.randrange(0, 8000 - sectors),
                       pattern(sectors, rng.randrange(10000)))
            if rng.randrange(16) == 0:
                disk.flush()
    except OSError:
        pass


def crash_snapshot_deep():
    """So it does with many requests in flight, latency and faults."""
    for seed in range(3):
        disk = Disk("a", size="4M", block=512, write_ns=20000000,
                    kib_ns=100000, flush_ns=30000000)
        disk.write(0, pattern(2048, 9))
        disk.fault("torn", sectors=3, nth=5, count=3)
        disk.fault("lost", op="write", nth=9, count=2)
        disk.fault("flip", op="write", byte=300, bit=1, nth=20, count=9)
        disk.fault("misdirect", op="write", to=64, nth=30, count=1)
        # from here on writes pile up; there are more writers than that
        disk.fault("stall", op="write", nth=36)
        disk.record("on")
        disk.crash_after(60 + seed, seed=seed)
        disk.fd()
        threads = [Background(_load, disk, number) for number in range(28)]
        for thread in threads:
            assert thread.error() is None
        assert disk.stat("state") == "crashed"
        assert disk.stat("record_ops") == 60 + seed
        assert disk.stat("crash_inflight") > 10
        disk.revive()
        shot = disk.snapshot(60 + seed, "s", seed=seed)
        assert shot.content() == disk.content()
        other = disk.snapshot(60 + seed, "t", seed=seed + 50)
        assert other.content() != disk.content()
        assert disk.stat("nomem") == 0
        for one in (disk, shot, other):
            one.remove()


def crash_record_limit():
    """A log that is full says so, and what is in it stays usable."""
    disk = Disk("a", size="1M")
    disk.record("on", limit="80K")
    for number in range(4):
        disk.write(number * 64, pattern(64, number))
    stat = disk.stat()
    assert stat["record"] == "sealed" and stat["record_ops"] == 2
    assert stat["record_sealed"] == "overflow"
    disk.snapshot(2, "s", keep="all")
    assert fails(errno.ERANGE, disk.snapshot, 3, "t")
    assert fails(errno.EEXIST, disk.record, "on")
    disk.record("off")
    disk.record("on")
    assert fails(errno.EBUSY, disk.poke, 0, "00")
    disk.write(0, bytes(SECTOR * 8))
    assert disk.stat("record_ops") == 1
