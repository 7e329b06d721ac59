# SPDX-License-Identifier: GPL-2.0-only
"""Two nodes to be set up, used and torn down by requests alone: what there is
to ask for, which request would lead deeper, and writers on what is attached.

    n1: /dev/qd1      links over TCP      n2: /dev/qd2
    n3                links over TCP      n4               nobody touches them

Replica of shard S of volume V on node N: 100000 * generation + 1000 * V +
10 * S + N; a generation ends with its first deleted replica, as ids are never
used twice.
"""
import collections
import ctypes
import mmap
import os
import socket
import struct
import subprocess
import threading
import time

from rawnl import ACK, DUMP, REQUEST, Netlink, attributes

CLUSTER = "5eed0000-0000-4000-8000-000000000001"
MIB = 1 << 20
SHARD = 64 * MIB
# id: size, nodes with a copy
VOLUMES = {1: (16 * MIB, (1,)), 2: (16 * MIB, (1, 2)), 3: (80 * MIB, (1, 2)),
           4: (16 * MIB, (2,))}
CLONE_NEWNET = 1 << 30
BLOCK = 4096
RUNNING, SERVING = 0, 1


def uuid(text):
    """As 16 bytes."""
    return bytes.fromhex(text.replace("-", ""))


class Entered:
    """Sockets that are made meanwhile are of that node's namespace."""

    libc = ctypes.CDLL(None, use_errno=True)

    def __init__(self, node):
        self.path = f"/run/netns/n{node}"

    def _set(self, path):
        with open(path, "rb") as file:
            if self.libc.setns(file.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {path}")

    def __enter__(self):
        self._set(self.path)

    def __exit__(self, *_):
        self._set("/proc/1/ns/net")


class Side:
    """A node, and what it has as far as one knows."""

    def __init__(self, spec, number):
        self.spec, self.number = spec, number
        self.id = number        # what a bent request may have made another
        self.other = ((number - 1) ^ 1) + 1
        self.device = f"/dev/qd{number}"
        self.store = f"5eed0000-0000-4000-8000-0000000000a{number}"
        self.links = set()
        self.forget()
        self.open()

    def open(self):
        """A socket of its own, for this process."""
        with Entered(self.number):
            self.nl = Netlink()

    def forget(self):
        """Nothing is there."""
        self.running = self.peer = False
        self.stores, self.replicas, self.volumes = set(), set(), {}
        self.links.clear()

    def ask(self, verb, values=None, how="do"):
        """One request in order."""
        about = self.spec.verbs[verb, how]
        flags = REQUEST | ACK | (DUMP if how == "dump" else 0)
        return self.nl.ask(self.nl.message(
            about["number"], self.spec.encode(about["set"], values or {}),
            flags))

    def rows(self, verb):
        """Of a dump, by the numbers of their attributes."""
        return [dict(attributes(row))
                for row in self.ask(verb, how="dump").objects]

    def number_of(self, name, key):
        """Of an attribute."""
        return self.spec.sets[name][key]["number"]

    def u32(self, row, name, key):
        """A value of a row."""
        return int.from_bytes(row[self.number_of(name, key)], "little")

    def look(self):
        """What is there now."""
        self.forget()
        answer = self.ask("node-get")
        if answer.error:
            return answer.error
        node = dict(attributes(answer.objects[0]))
        self.running = self.u32(node, "node", "state") == RUNNING
        self.id = self.u32(node, "node", "id")
        self.stores = {row[self.number_of("store", "uuid")]
                       for row in self.rows("store-get")}
        self.replicas = {self.u32(row, "replica", "id")
                         for row in self.rows("replica-get")}
        device = self.number_of("volume", "device")
        for row in self.rows("volume-get"):
            name = row.get(device, b"\0").rstrip(b"\0").decode()
            self.volumes[self.u32(row, "volume", "id")] = (
                self.u32(row, "volume", "state"), name)
        self.peer = bool(self.rows("peer-get"))
        self.links.update(self.u32(row, "link", "link")
                          for row in self.rows("link-get")
                          if self.u32(row, "link", "state") == 2)
        return 0

    def format(self):
        """An empty store; the node is gone."""
        subprocess.run(
            ["qbdctl", "store", "format", self.device, "--force", "--cluster",
             CLUSTER, "--uuid", self.store, "--wal-size", "32M"],
            check=True, stdout=subprocess.DEVNULL)

    def good(self, verb, values, accepted):
        """A request; counted if it was accepted."""
        accepted[verb] += self.ask(verb, values).error == 0

    def dismantle(self, accepted):
        """The next of what there is goes, last the node."""
        for volume in self.volumes:
            self.good("volume-detach", {"id": volume, "force": True}, accepted)
        if self.volumes:
            return
        for replica in self.replicas:
            self.good("replica-delete", {"id": replica, "epoch": 99}, accepted)
        for store in self.stores:
            self.good("store-remove", {"uuid": store}, accepted)
        self.good("peer-remove", {"id": self.other}, accepted)
        if not self.stores:
            self.good("node-stop", {"id": self.id}, accepted)

    def end(self, orderly, accepted, seconds=120):
        """Until there is no node; an error if that does not come."""
        end = time.monotonic() + seconds
        while self.look() == 0:
            if time.monotonic() > end:
                raise TimeoutError(f"node {self.number} does not end: "
                                   f"{self.volumes} {self.stores}")
            if orderly:
                self.dismantle(accepted)
            else:
                self.good("node-crash", {"id": self.id}, accepted)
            time.sleep(0.05)


class Shared:
    """What all processes that plan know: the last term, and generations."""

    def __init__(self):
        self.word = memoryview(mmap.mmap(-1, 4096)).cast("I")

    def fresh(self):
        """All replicas are gone."""
        for volume in VOLUMES:
            self.word[volume] = 0

    def term(self):
        """The next one."""
        self.word[0] += 1
        return self.word[0]


class Plan:
    """Requests that make sense, to reach what lies deep; they are drawn."""

    def __init__(self, rng, shared):
        self.rng, self.shared = rng, shared

    def replica(self, volume, shard, node):
        """Its id."""
        return 100000 * self.shared.word[volume] + 1000 * volume + \
            10 * shard + node

    def members(self, volume, shard):
        """A set."""
        return [{"node": node, "replica": self.replica(volume, shard, node)}
                for node in VOLUMES[volume][1]]

    def shards(self, volume):
        """Numbers."""
        return range((VOLUMES[volume][0] - 1) // SHARD + 1)

    def start(self, side):
        """node-start"""
        return "node-start", {
            "id": side.number, "name": f"n{side.number}",
            "cluster": uuid(CLUSTER),
            "lease-ms": self.rng.choice((0, 100, 500, 10000))}

    def create(self, side, volume, shard):
        """replica-create"""
        return "replica-create", {
            "id": self.replica(volume, shard, side.number), "volume": volume,
            "shard": shard, "store": uuid(side.store), "epoch": 1,
            "size-bytes": SHARD,
            "member": self.members(volume, shard)}

    def attach(self, side, volume, parts=False):
        """volume-attach, under a term of its own; of an own name: names are
        those of the kernel, which has two nodes"""
        sets = [{"number": shard, "epoch": 1,
                 "member": self.members(volume, shard)}
                for shard in self.shards(volume)]
        return "volume-attach", {
            "id": volume, "name": f"v{volume}n{side.number}",
            "size-bytes": VOLUMES[volume][0], "shard-bytes": SHARD,
            "term": self.shared.term(), "on-no-quorum": self.rng.randrange(2),
            "no-quorum-ms": self.rng.choice((0, 1, 500)),
            "read-policy": self.rng.randrange(2), "shard": sets,
            **({"repair": True} if not self.rng.randrange(8) else {}),
            **({"more": True} if parts else {})}

    def grow(self, volume):
        """volume-grow: a size that it has, more of its last shard, or shards
        that have no copy anywhere, so that it never ends"""
        size = VOLUMES[volume][0] + self.rng.choice((0, 4, 16, 64, 128)) * MIB
        first = len(self.shards(volume))
        sets = [{"number": shard, "epoch": 1,
                 "member": self.members(volume, shard)}
                for shard in range(first, (size - 1) // SHARD + 1)]
        values = {
            "id": volume, "size-bytes": size,
            "term": max(self.shared.word[0] - self.rng.randrange(3), 0)}
        if sets:
            values["shard"] = sets
            if self.rng.random() < 0.2:
                values["more"] = True
        return "volume-grow", values

    def config(self, volume, shard):
        """shard-config: a step, or what is none"""
        members = self.members(volume, shard)
        for member in members:
            member["role"] = self.rng.choice((0, 0, 0, 1, 2, 3))
        if self.rng.random() < 0.3:
            members.append({"node": 9, "replica": 9, "role": 1})
        return "shard-config", {
            "id": volume, "term": max(self.shared.word[0] - self.rng.randrange(3), 0),
            "shard": {"number": shard, "epoch": self.rng.randrange(1, 4),
                      "member": members}}

    def verify(self, volume, shard):
        """shard-verify: begin, or end"""
        return "shard-verify", {
            "volume": volume, "number": shard,
            "term": max(self.shared.word[0] - self.rng.randrange(3), 0),
            **{flag: True for flag in ("repair", "stop")
               if self.rng.random() < 0.3}}

    def deeper(self, side):
        """What is not there yet; None: all is."""
        if not side.running:
            return self.start(side)
        if uuid(side.store) not in side.stores:
            return "store-add", {"path": side.device}
        if not side.peer:
            return "peer-add", {"id": side.other, "links": 2}
        for volume, (_, nodes) in VOLUMES.items():
            for shard in self.shards(volume):
                if side.number in nodes and self.replica(
                        volume, shard, side.number) not in side.replicas:
                    return self.create(side, volume, shard)
        missing = [volume for volume, (_, nodes) in VOLUMES.items()
                   if nodes[0] == side.number and volume not in side.volumes]
        if missing:
            return self.attach(side, self.rng.choice(missing),
                               self.rng.random() < 0.1)
        return None

    def any(self, side):
        """Something that one may ask for, whatever is there."""
        rng = self.rng
        volume = rng.choice(list(VOLUMES))
        shard = rng.choice(self.shards(volume))
        link = {"peer": side.other, "link": rng.randrange(2)}
        replica = self.replica(volume, shard, side.number)
        return rng.choice((
            lambda: self.start(side),
            lambda: ("store-add", {"path": side.device}),
            lambda: ("store-remove", {"uuid": uuid(side.store)}),
            lambda: self.create(side, volume, shard),
            lambda: ("replica-floor", {"id": replica,
                                       "floor-term": self.shared.word[0]}),
            lambda: self.attach(side, volume, rng.random() < 0.3),
            lambda: ("volume-set", {"id": volume, "no-quorum-ms": 1000,
                                    "on-no-quorum": rng.randrange(2)}),
            lambda: ("volume-set", {"id": volume, "no-quorum-ms": 100}),
            lambda: self.config(volume, shard),
            lambda: self.verify(volume, shard),
            lambda: self.grow(volume),
            lambda: ("volume-detach", {"id": volume}),
            lambda: ("volume-detach", {"id": volume, "force": True}),
            lambda: ("peer-add", {"id": rng.choice((side.other, 3)),
                                  "links": rng.randrange(4)}),
            lambda: ("link-remove", link),
            lambda: self.rare(side, volume, shard),
        ))()

    def rare(self, side, volume, shard):
        """What costs much of what was reached."""
        kind = self.rng.randrange(6)
        if kind == 0:
            return "node-crash", {"id": side.number}
        if kind == 1:
            return "node-stop", {"id": side.number}
        if kind == 2:
            return "peer-remove", {"id": self.rng.choice((side.other, 3))}
        replica = self.replica(volume, shard, side.number)
        return "replica-delete", {"id": replica,
                                  "epoch": self.rng.choice((1, 2, 2))}

    def came(self, side, verb, values):
        """It was accepted."""
        if verb == "node-start":
            side.running = True
        elif verb in ("node-stop", "node-crash"):
            side.forget()
        elif verb == "store-add":
            side.stores.add(uuid(side.store))
        elif verb == "store-remove":
            side.stores.clear()
        elif verb == "replica-create":
            side.replicas.add(values["id"])
        elif verb == "replica-delete":
            self.shared.word[values["id"] // 1000 % 100] += 1
        elif verb == "volume-attach":
            side.volumes[values["id"]] = (0, "")
        elif verb == "volume-detach":
            side.volumes.pop(values["id"], None)
        elif verb == "peer-add":
            side.peer = True
        elif verb == "peer-remove":
            side.peer = False


def connected(first, second):
    """A connection between two nodes: a socket of each."""
    with Entered(second.number):
        server = socket.create_server((f"10.77.0.{second.number}", 0))
    with server:
        with Entered(first.number):
            here = socket.create_connection(server.getsockname(), timeout=20)
        return here, server.accept()[0]


class Bystanders:
    """Two more nodes with a link, of which nobody says a word meanwhile: they
    stay as they are. (Their link keeps the kernel from patching itself each
    time that the last link of the others goes: emulators stumble over that.)
    """

    def __init__(self, spec):
        self.sides = [Side(spec, 3), Side(spec, 4)]
        for side in self.sides:
            side.ask("node-start", {
                "id": side.number, "name": f"n{side.number}",
                "cluster": uuid(CLUSTER)})
            side.ask("peer-add", {"id": side.other, "links": 1})
        ends = connected(*self.sides)
        for side, end, accept in zip(self.sides, ends, ({}, {"accept": True})):
            side.ask("link-add", {"peer": side.other, "link": 0,
                                  "fd": end.fileno(), **accept})
            end.close()
        wait_for("the bystanders' link", self.linked)

    def linked(self):
        """Each has its link."""
        for side in self.sides:
            side.look()
        return all(side.links == {0} for side in self.sides)

    def end(self):
        """They go; True if they were as they had been."""
        linked = self.linked()
        for side in self.sides:
            side.end(True, collections.Counter())
        return linked


def wait_for(what, true, seconds=60):
    """Until it is."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


class Writer(threading.Thread):
    """Writes blocks of a device and reads them back, until it gets an error;
    what it reads is what it wrote. Each node has its own MiB of a volume, as
    two may have it attached: one of them is fenced then."""

    def __init__(self, device, node, rng):
        super().__init__(daemon=True)
        self.device, self.first, self.rng = device, node * MIB // BLOCK, rng
        self.wrong, self.count = None, 0
        self.enough = threading.Event()

    def run(self):
        try:
            file = os.open(self.device, os.O_RDWR | os.O_DIRECT)
        except OSError:
            return              # it went meanwhile
        try:
            self._work(file, mmap.mmap(-1, BLOCK))
        except OSError:
            pass                # and so did this
        finally:
            os.close(file)

    def _work(self, file, page):
        holds = {}
        for number in range(1, 1 << 20):
            at = self.first + self.rng.randrange(MIB // BLOCK)
            page[:] = struct.pack("<QQ", number, at) * (BLOCK // 16)
            os.pwritev(file, [page], at * BLOCK)
            holds[at] = bytes(page)
            at = self.rng.choice(list(holds))
            if os.preadv(file, [page], at * BLOCK) != BLOCK:
                return          # a device that is gone ends at 0
            if page[:] != holds[at]:
                self.wrong = f"{self.device}, block {at}: " \
                    f"{page[:16].hex()}, not {holds[at][:16].hex()}"
                return
            self.count += 1
            if self.enough.wait(0.02):
                return
