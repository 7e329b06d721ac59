# SPDX-License-Identifier: GPL-2.0-only
"""Random messages of the family, to a node as that of rawnl_test.py.

usage: rawnl_fuzz.py COUNT SEED
"""
import errno
import random
import socket
import struct
import sys
import time

from rawnl import (ACK, DUMP, NESTED, REQUEST, Netlink, Spec, attribute,
                   attributes)
from rawnl_good import CLUSTER, MIB, OTHER, STORE


class Fuzz:
    """Messages of the family. Some are not sent: they would end the node, or the
    volume that has to be there afterwards, or make that one larger."""

    OWN, KEPT = 1, 7

    def __init__(self, seed):
        self.spec = Spec()
        self.nl = Netlink()
        self.rng = random.Random(seed)
        self.keys = sorted(self.spec.verbs)
        self.pairs = [socket.socketpair() for _ in range(2)]
        with socket.create_server(("127.0.0.1", 0)) as server:
            for _ in range(4):
                here = socket.create_connection(server.getsockname())
                self.pairs.append((here, server.accept()[0]))
        self.seen = {}

    def _id(self, bits):
        rng = self.rng
        return rng.choice((0, 1, 2, 3, 7, 8, 9, 7001, 8001, 8002,
                           rng.getrandbits(bits), (1 << bits) - 1)) \
            & ((1 << bits) - 1)

    def _size(self):
        rng = self.rng
        return rng.choice((0, 4096, 16 * MIB, 64 * MIB, 128 * MIB, 1 << 36,
                           1 << 40, rng.getrandbits(64), (1 << 64) - 4096))

    def _string(self):
        rng = self.rng
        return rng.choice((b"n1", b"vol8", b"vol9", b"/dev/qe", b"/dev/qd",
                           b"/dev/null", b"../%s%n", b"",
                           rng.randbytes(rng.randrange(70)))) + b"\0"

    def value(self, name, key):
        """One that an attribute can have."""
        rng, attr = self.rng, self.spec.sets[name][key]
        kind = attr["type"]
        if kind == "nest":
            return self.values(attr["nested-attributes"],
                               self.spec.sets[attr["nested-attributes"]])
        if kind == "string":
            return self._string()
        if kind == "binary":
            return rng.choice((STORE, STORE, OTHER, CLUSTER, bytes(16),
                               rng.randbytes(16)))
        if kind == "flag":
            return b""
        if key.endswith("-bytes"):
            return self._size()
        if key == "fd":
            return rng.choice([rng.choice(pair).fileno()
                               for pair in self.pairs] +
                              [self.nl.sock.fileno(), 1000,
                               rng.getrandbits(32)])
        if key in ("shard", "number", "link", "on-no-quorum", "read-policy",
                   "links") and rng.random() < 0.8:
            return rng.randrange(3)
        return self._id(32 if kind == "u32" else 64)

    def values(self, name, keys):
        """Attributes, most of them, and members several times."""
        rng, data = self.rng, b""
        for key in keys:
            many = 1
            if self.spec.sets[name][key].get("multi-attr"):
                many = rng.choice((1, 1, 1, 2, 3, 9))
            if rng.random() < 0.9:
                for _ in range(many):
                    data += self.spec.one(name, key, self.value(name, key))
        return data

    def noise(self):
        """Attributes, of which only the heads are right."""
        rng = self.rng
        return b"".join(
            attribute(rng.randrange(24) | rng.choice((0, 0, NESTED, 0x4000)),
                      rng.randbytes(rng.randrange(40)))
            for _ in range(rng.randrange(12)))

    def damage(self, body):
        """A few bytes are others, some are gone, some are there twice."""
        rng, body = self.rng, bytearray(body)
        for _ in range(rng.randrange(4)):
            if body:
                body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
        cut = rng.randrange(len(body) + 1)
        return bytes(rng.choice((body, body[:cut], body + body[cut:],
                                 body + rng.randbytes(rng.randrange(20)))))

    def next(self):
        """One message."""
        rng = self.rng
        verb, how = rng.choice(self.keys)
        about = self.spec.verbs[verb, how]
        body = self.values(about["set"], about["takes"])
        kind = rng.random()
        if kind < 0.25:
            body = self.damage(body)
        elif kind < 0.35:
            body = self.noise()
        cmd = about["number"] if rng.random() < 0.95 else rng.randrange(256)
        flags = REQUEST | ACK | (DUMP if how == "dump" else 0)
        if rng.random() < 0.05:
            flags = rng.getrandbits(16)
        if self.deadly(cmd, body):
            return self.next()
        lie = {}
        if rng.random() < 0.03:
            lie["length"] = rng.choice((rng.randrange(64), rng.getrandbits(32)))
        if rng.random() < 0.03:
            lie["reserved"] = rng.getrandbits(16)
        return self.nl.message(cmd, body, flags, **lie)

    def deadly(self, cmd, body):
        """Would it end what has to stay?"""
        own = {self.spec.number("node-crash"): self.OWN,
               self.spec.number("volume-detach"): self.KEPT,
               self.spec.number("volume-grow"): self.KEPT}.get(cmd)
        return own is not None and any(
            number == 1 and value == struct.pack("=I", own)
            for number, value in attributes(body))

    def others(self):
        """Volumes that came of it."""
        flags = REQUEST | ACK | DUMP
        rows = self.nl.ask(self.nl.message(
            self.spec.number("volume-get", "dump"), flags=flags)).objects
        ids = [struct.unpack("=I", dict(attributes(row))[1])[0]
               for row in rows]
        if self.KEPT not in ids:
            sys.exit(f"volume {self.KEPT} is gone: {ids}")
        return [one for one in ids if one != self.KEPT]

    def tidy(self):
        """Detach them: they keep memory."""
        for one in self.others():
            self.nl.ask(self.nl.message(
                self.spec.number("volume-detach"),
                self.spec.encode("volume", {"id": one, "force": True})))

    def run(self, count):
        """Send so many."""
        for number in range(count):
            try:
                answer = self.nl.ask(self.next())
                code = answer.error
            except OSError as error:
                code = f"send: {error.errno}"
            self.seen[code] = self.seen.get(code, 0) + 1
            if number % 20 == 19:
                self.tidy()
        end = time.monotonic() + 60
        while self.others():
            self.tidy()
            if time.monotonic() > end:
                sys.exit(f"volumes do not go: {self.others()}")
            time.sleep(0.05)
        for code in sorted(self.seen, key=self.seen.get, reverse=True):
            name = code if not isinstance(code, int) else \
                errno.errorcode.get(-code, code)
            print(f"{self.seen[code]:6} {name}")
        return not 0 < self.seen.get(0, 0) < count / 2


if __name__ == "__main__":
    sys.exit(Fuzz(int(sys.argv[2])).run(int(sys.argv[1])))
