#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the control plane can do: three daemons on this machine, with files and
syncs of their own, and clients that each have one command under way.

Commits per second and latencies are those of this disk and of whatever else the
machine does, so nothing here is a bound: the figures are printed beside what one
sync costs.  Bounds that hold anywhere are in tests/unit/test_qbdd_disk.py.
"""
import argparse
import os
import shutil
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests/unit"))
import qbdd_load  # noqa: E402
import qbdd_world as base  # noqa: E402

SYNCS = 100
NODES = 3


def sync_cost(directory):
    """The median of a write of 4 KiB and its sync, in seconds."""
    took = []
    path = os.path.join(directory, "sync")
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(fd, bytes(4096), 0)
    os.fsync(fd)
    for number in range(SYNCS):
        begun = time.monotonic()
        os.pwrite(fd, bytes([number % 256]) * 4096, 0)
        os.fdatasync(fd)
        took.append(time.monotonic() - begun)
    os.close(fd)
    os.unlink(path)
    return sorted(took)[SYNCS // 2]


def laps(node):
    """Numbers of the loop of a daemon."""
    code, said, err = node.ctl("daemon", "status")
    if code:
        raise SystemExit(err)
    return said["loop"]


def longest_us(before, after):
    """The class of the longest lap in between: it was shorter than that."""
    grown = [i for i, nr in enumerate(after["laps"]) if nr > before["laps"][i]]
    return 1 << grown[-1] if grown else 0


class Cluster(base.World):
    """Of the tests' world: daemons that are made a cluster, and ended."""

    where = None
    sync_ms = 0

    def setUp(self):
        self.node = [base.Node(self.where, i + 1) for i in range(NODES)]
        for node in self.node:
            if self.sync_ms:
                node.on_disk()
                node.slow_disk(self.sync_ms)
            node.start()
            self.addCleanup(self.end, node)

    def runTest(self):
        self.make(NODES)


def measure(cluster, clients, seconds):
    before = [laps(node) for node in cluster.node]
    took, wall = qbdd_load.load(
        cluster.node[0].socket, clients,
        qbdd_load.until(seconds))
    after = [laps(node) for node in cluster.node]
    print(f"{clients:7d} {len(took) / wall:9.0f} "
          f"{took[len(took) // 2] * 1e3:8.2f} "
          f"{took[len(took) * 99 // 100] * 1e3:8.2f} {took[-1] * 1e3:8.2f}   "
          + " ".join(f"{longest_us(old, new) / 1e3:9.2f} "
                     f"{new['laps_slow'] - old['laps_slow']:4d} "
                     f"{new['laps_slept'] - old['laps_slept']:2d}"
                     for old, new in zip(before, after)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", default="1,8,32,60",
                        help="how many at a time, one row each")
    parser.add_argument("--dir", default=os.path.join(TOP, "build/bench-raft"),
                        help="on the disk that is to be measured")
    parser.add_argument("--sync-ms", type=int, default=0,
                        help="have each sync take that long, and more")
    args = parser.parse_args()
    if os.geteuid():
        sys.exit("only root may ask a daemon")
    shutil.rmtree(args.dir, ignore_errors=True)
    os.makedirs(args.dir)
    Cluster.where = args.dir
    Cluster.sync_ms = args.sync_ms
    cluster = Cluster()
    cluster.setUp()
    try:
        cluster.runTest()
        print(f"one write and its sync: {sync_cost(args.dir) * 1e3:.2f} ms "
              f"(median of {SYNCS})")
        print("                  latency, ms                  turns: longest "
              "below (ms), over 10 ms, slept in these")
        print("clients commits/s      p50      p99      max   "
              "       n1                n2                n3")
        for clients in args.clients.split(","):
            measure(cluster, int(clients), args.seconds)
        for node in cluster.node:
            said = laps(node)
            print(f"{node.name}: longest turn in its life "
                  f"{said['longest_lap_ns'] / 1e6:.2f} ms, "
                  f"most of it in {said['longest_lap']}")
    finally:
        cluster.doCleanups()


if __name__ == "__main__":
    main()
