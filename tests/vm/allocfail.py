# SPDX-License-Identifier: GPL-2.0-only
"""Allocations that fail, in a kernel with CONFIG_FAILSLAB and
CONFIG_FAIL_PAGE_ALLOC; see 266_alloc_faults.sh and 268_alloc_writes.sh.

    walk DISK COUNT SEED    Each request in turn: its first allocation fails,
                        then its second, and so on until it has no more (of
                        many, as many as COUNT, drawn by the seed). What is
                        refused has changed nothing; at last it works. Then
                        growths by shards, while allocations of threads fail by
                        chance: the volume has all of the shards, or none.
    on PROBABILITY PID...   Allocations of kernel threads that may work for qbd,
                        and of these processes, fail with so many percent.
    off                 and no more; prints how many have failed.

A request's own allocations are those of the task that sends it: fail-nth.
For those of threads see allocgrow.py.
"""
import errno
import os
import random
import sys

from allocgrow import Growths, mark, off, switch, wait
from rawnl import ACK, DUMP, REQUEST, Spec
from rawnl_world import CLUSTER, MIB, SERVING, Side, connected, uuid

ACTIVE = 1
REFUSALS = (errno.ENOMEM, errno.ENOBUFS)


class World:
    """n1 and what is asked of it; n2 is only there to be linked."""

    def __init__(self, disk, seed):
        self.rng = random.Random(seed)
        self.spec = Spec()
        self.side, other = Side(self.spec, 1), Side(self.spec, 2)
        self.sides = self.side, other
        self.side.device = disk
        self.term, self.replica, self.size = 0, 7000, 16 * MIB
        self.ends = ()
        self.side.format()
        for verb, values in (("node-start", {"id": 2, "name": "n2",
                                             "cluster": uuid(CLUSTER)}),
                             ("peer-add", {"id": 1, "links": 1})):
            if other.ask(verb, values).error:
                raise SystemExit(f"n2: {verb}")

    def end(self):
        """n2 goes as well."""
        self.sides[1].ask("node-stop", {"id": 2})
        wait("n2 to end", lambda: self.sides[1].look() != 0)

    def start(self):
        """node-start"""
        return "node-start", {"id": 1, "name": "n1", "cluster": uuid(CLUSTER)}

    def stop(self):
        """node-stop"""
        return "node-stop", {"id": 1}

    def add(self):
        """store-add"""
        return "store-add", {"path": self.side.device}

    def remove(self):
        """store-remove"""
        return "store-remove", {"uuid": uuid(self.side.store)}

    def peer(self):
        """peer-add"""
        return "peer-add", {"id": 2, "links": 1}

    def unpeer(self):
        """peer-remove"""
        return "peer-remove", {"id": 2}

    def link(self):
        """link-add: one end of a connection; n2 is given the other one"""
        other = self.sides[1]
        other.ask("link-remove", {"peer": 1, "link": 0})
        wait("n2's link to go", lambda: not any(
            other.u32(row, "link", "state") for row in other.rows("link-get")))
        for end in self.ends:
            end.close()
        self.ends = connected(*self.sides)
        if other.ask("link-add", {"peer": 1, "link": 0, "accept": True,
                                  "fd": self.ends[1].fileno()}).error:
            raise SystemExit("n2: link-add")
        return "link-add", {"peer": 2, "link": 0, "fd": self.ends[0].fileno()}

    def unlink(self):
        """link-remove"""
        return "link-remove", {"peer": 2, "link": 0}

    def sets(self):
        """The replica set of the shard."""
        return {"number": 0, "epoch": 1,
                "member": [{"node": 1, "replica": self.replica}]}

    def create(self):
        """replica-create; ids are never used twice"""
        self.replica += 1
        return "replica-create", {
            "id": self.replica, "volume": 7, "shard": 0, "epoch": 1,
            "store": uuid(self.side.store), "size-bytes": 64 * MIB,
            "member": self.sets()["member"]}

    def delete(self):
        """replica-delete"""
        return "replica-delete", {"id": self.replica, "epoch": 2}

    def floor(self):
        """replica-floor"""
        return "replica-floor", {"id": self.replica, "floor-term": self.term}

    def attach(self):
        """volume-attach; terms neither"""
        self.term += 1
        return "volume-attach", {
            "id": 7, "name": "vol7", "size-bytes": self.size,
            "shard-bytes": 64 * MIB, "term": self.term, "shard": self.sets()}

    def detach(self):
        """volume-detach"""
        return "volume-detach", {"id": 7}

    def set(self):
        """volume-set"""
        return "volume-set", {"id": 7, "on-no-quorum": 1,
                              "no-quorum-ms": self.rng.randrange(1, 9999)}

    def grow(self):
        """volume-grow, within the shard"""
        return "volume-grow", {"id": 7, "term": self.term,
                               "size-bytes": self.size + MIB}

    def worked(self, verb, values):
        """The volume has that size."""
        if verb == "volume-grow":
            self.size = values["size-bytes"]

    def config(self):
        """shard-config, a step to where it is"""
        return "shard-config", {"id": 7, "term": self.term,
                                "shard": self.sets()}

    def is_there(self):
        """What is there now: of the node, its link, its stores with their
        states, its replicas, its volumes with their states, sizes, and those
        that they grow to. A peer stays known when it was removed."""
        if self.side.look() != 0:
            return ()
        state = self.side.number_of("store", "state")
        return (self.side.running, tuple(self.side.links),
                tuple(int.from_bytes(row[state], "little")
                      for row in self.side.rows("store-get")),
                len(self.side.replicas),
                tuple(map(self.volume_row, self.side.rows("volume-get"))))

    def volume_row(self, row):
        """State, size, size to be."""
        growing = self.side.number_of("volume", "growing-bytes")
        return (self.side.u32(row, "volume", "state"),
                self.side.u32(row, "volume", "size-bytes"),
                int.from_bytes(row.get(growing, b""), "little"))

    def served(self):
        """With a volume of the size that it has; see VOLUME."""
        return (True, (0,), (ACTIVE,), 1, ((SERVING, self.size, 0),))

    def grown(self):
        """With one that has grown."""
        return (True, (0,), (ACTIVE,), 1, ((SERVING, self.size + MIB, 0),))


NOTHING = ()
RUNNING = (True, (), (), 0, ())
STORE = (True, (), (ACTIVE,), 0, ())
LINK = (True, (0,), (ACTIVE,), 0, ())
REPLICA = (True, (0,), (ACTIVE,), 1, ())
DUMPS = ("store-get", "replica-get", "volume-get", "shard-get", "peer-get",
         "link-get")


def steps(world):
    """From nothing to everything and back: a request, what is there then (or
    who knows), and what undoes it."""
    yield world.start, RUNNING, world.stop
    yield world.add, STORE, world.remove
    yield world.peer, STORE, world.unpeer
    yield world.link, LINK, world.unlink
    yield world.create, REPLICA, world.delete
    yield world.attach, world.served, world.detach
    for request in (world.set, world.config, world.floor):
        yield request, world.served, None
    yield world.grow, world.grown, None
    for verb in DUMPS:
        yield lambda verb=verb: (verb, "dump"), world.served, None
    yield lambda: ("node-get", {}), world.served, None
    yield world.detach, REPLICA, world.attach
    yield world.delete, LINK, world.create
    yield world.unlink, STORE, world.link
    yield world.unpeer, STORE, world.peer
    yield world.remove, RUNNING, world.add
    yield world.stop, NOTHING, world.start


class Walk:
    """Requests of which one allocation fails."""

    def __init__(self, disk, count, seed):
        self.world = World(disk, seed)
        self.count, self.failed = count, 0
        self.nth = os.open("/proc/thread-self/fail-nth", os.O_RDWR)

    def ask(self, verb, values, nth=0):
        """With the nth allocation failing: (the answer's error, did it). There
        may be no answer, for want of memory: None."""
        how = "dump" if values == "dump" else "do"
        about = self.world.spec.verbs[verb, how]
        netlink = self.world.side.nl
        data = netlink.message(
            about["number"],
            self.world.spec.encode(about["set"], {} if how == "dump" else
                                   values),
            REQUEST | ACK | (DUMP if how == "dump" else 0))
        os.pwrite(self.nth, str(nth).encode(), 0)
        try:
            error = self.send(netlink, data)
        finally:
            left = int(os.pread(self.nth, 16, 0))
            os.pwrite(self.nth, b"0", 0)
        return error, nth > 0 and left == 0

    @staticmethod
    def send(netlink, data):
        """One message."""
        try:
            netlink.sock.send(data)
        except OSError as err:
            return -err.errno   # it went nowhere
        try:
            return netlink.answer().error
        except OSError as err:
            if err.errno != errno.ENOBUFS:
                raise
            return None

    def reaches(self, what, state):
        """It is there soon."""
        wait(f"{what}: {state}, but {self.world.is_there()}",
             lambda: self.world.is_there() == state)

    def good(self, request, state):
        """Without a fault it works."""
        verb, values = request()
        state = state() if callable(state) else state
        error, _ = self.ask(verb, values)
        if error:
            raise SystemExit(f"{verb}: {errno.errorcode[-error]} without a "
                             "fault")
        self.reaches(verb, state)
        self.world.worked(verb, values)

    def one(self, request, later, undo):
        """All allocations of a request, one after the other."""
        nth, tried, refused = 0, 0, 0
        while tried < self.count:
            before = self.world.is_there()
            state = later() if callable(later) else later
            tried += 1
            nth += 1 if nth < self.count // 2 else \
                self.world.rng.randrange(1, nth)
            verb, values = request()
            error, hit = self.ask(verb, values, nth)
            self.failed += hit
            if error and (not hit or -error not in REFUSALS):
                raise SystemExit(f"{verb}: {errno.errorcode[-error]}, "
                                 f"allocation {nth} {hit}")
            if error:
                refused += 1
                self.reaches(f"{verb} was refused", before)
                continue
            # without an answer it may have worked; if so it has begun
            wait(f"{verb}, {error}: {before} or {state}",
                 lambda: self.world.is_there() in (
                     (before, state) if error is None else (state,)))
            there = self.world.is_there() == state
            if there:
                self.world.worked(verb, values)
            if not hit:
                break
            if undo and there:
                self.good(undo, before)
        else:
            self.good(request, later)
        print(f"{verb}: {tried} allocations, {refused} refusals")

    def run(self):
        """All requests."""
        for request, state, undo in steps(self.world):
            self.one(request, state, undo)
        print(f"{self.failed} allocations failed")
        return self.failed == 0


def main():
    """What was asked for."""
    verb, *rest = sys.argv[1:]
    if verb == "walk":
        switch(0)
        walk = Walk(rest[0], int(rest[1]), rest[2])
        bad = walk.run() or Growths(walk.world, walk.count).run()
        walk.world.end()
        return bad
    if verb == "on":
        switch(int(rest[0]))
        mark(1, rest[1:])
        return 0
    print(off())
    return 0


if __name__ == "__main__":
    sys.exit(main())
