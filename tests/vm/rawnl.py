# SPDX-License-Identifier: GPL-2.0-only
"""Netlink without a library: a socket, messages, what came back to them.

What verbs and attributes the family has is taken from its spec. For tests that
send what no program of ours would.
"""
import errno
import os
import socket
import struct

import yaml

SPEC = os.path.join(os.environ["QBD_TOP"], "uapi", "qbd.yaml")
NETLINK_GENERIC, SOL_NETLINK = 16, 270
ADD_MEMBERSHIP, EXT_ACK = 1, 11
REQUEST, ACK, DUMP = 1, 4, 0x300
CAPPED, ACK_TLVS = 0x100, 0x200
ERROR, DONE = 2, 3
NESTED = 0x8000
HEAD = 20                       # of a message, and of generic netlink


def attribute(kind, data, length=None):
    """One attribute; its length may lie."""
    length = 4 + len(data) if length is None else length
    return struct.pack("=HH", length, kind) + data + bytes(-len(data) % 4)


class Spec:
    """The family, as its spec has it."""

    def __init__(self):
        with open(SPEC, encoding="utf-8") as src:
            spec = yaml.load(src, getattr(yaml, "CSafeLoader",
                                          yaml.SafeLoader))
        consts = {one["name"]: one.get("value") or len(one.get("entries", ()))
                  for one in spec["definitions"]}
        self.sets = {}
        for one in spec["attribute-sets"]:
            attrs = self.sets[one["name"]] = {}
            for number, attr in enumerate(one["attributes"], 1):
                checks = {key: consts.get(value, value) for key, value
                          in attr.get("checks", {}).items()}
                if "enum" in attr:
                    checks["max"] = consts[attr["enum"]] - 1
                attrs[attr["name"]] = {**attr, **checks, "number": number}
        self.verbs = {}
        for number, verb in enumerate(spec["operations"]["list"], 1):
            for how in ("do", "dump"):
                if how in verb:
                    self.verbs[verb["name"], how] = {
                        "number": number, "set": verb["attribute-set"],
                        "takes": verb[how].get("request", {}).get(
                            "attributes", []),
                        "shows": "reply" in verb[how]}

    def number(self, verb, how="do"):
        """Of the command."""
        return self.verbs[verb, how]["number"]

    def pack(self, attr, value):
        """The bytes of a value."""
        kind = attr["type"]
        if kind == "nest":
            return self.encode(attr["nested-attributes"], value)
        if kind == "string":
            return value.encode() + b"\0"
        if kind == "flag":
            return b""
        return struct.pack("=I" if kind == "u32" else "=Q", value)

    def one(self, name, key, value):
        """An attribute of a set; bytes are taken as they are."""
        attr = self.sets[name][key]
        data = value if isinstance(value, bytes) else self.pack(attr, value)
        nested = NESTED if attr["type"] == "nest" else 0
        return attribute(attr["number"] | nested, data)

    def encode(self, name, values):
        """Attributes of a set; a list is one that comes several times."""
        return b"".join(
            self.one(name, key, each) for key, value in values.items()
            for each in (value if isinstance(value, list) else [value]))


def attributes(data):
    """(number, bytes) of each."""
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if not 4 <= length <= len(data):
            return
        yield kind & 0x3fff, data[4:length]
        data = data[(length + 3) & ~3:]


class Answer:
    """What came back to one message."""

    def __init__(self):
        self.error = None       # None: no word about it
        self.text = ""
        self.offset = self.miss = None
        self.objects = []

    def take(self, kind, flags, body):
        """One more message of it."""
        if kind == DONE:
            self.error = struct.unpack_from("=i", body)[0] if body else 0
        elif kind != ERROR:
            self.objects.append(body[4:])
        else:
            self.error, length = struct.unpack_from("=iI", body)
            if flags & ACK_TLVS:
                self._tlvs(body[4 + (16 if flags & CAPPED else
                                     (length + 3) & ~3):])

    def _tlvs(self, data):
        for kind, value in attributes(data):
            if kind == 1:
                self.text = value.rstrip(b"\0").decode()
            elif kind == 2:
                self.offset = struct.unpack("=I", value)[0]
            elif kind == 5:
                self.miss = struct.unpack("=I", value)[0]

    def __str__(self):
        code = "nothing" if self.error is None else \
            errno.errorcode.get(-self.error, self.error)
        return f"{code} '{self.text}' at {self.offset} without {self.miss}"


class Netlink:
    """A socket. The kernel has dealt with a message when it is sent: what is
    not there to be read then will not come."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                  NETLINK_GENERIC)
        self.sock.setsockopt(SOL_NETLINK, EXT_ACK, 1)
        self.sock.setblocking(False)
        self.seq = 0
        self.family = self.group = 0
        found = self.ask(self.message(3, attribute(2, b"qbd\0"), family=16))
        for number, value in attributes(found.objects[0]):
            if number == 1:
                self.family = struct.unpack("=H", value)[0]
            elif number == 7:
                group = dict(attributes(dict(attributes(value))[1]))
                self.group = struct.unpack("=I", group[2])[0]

    def message(self, cmd, body=b"", flags=REQUEST | ACK, **lies):
        """A message; what is named in lies replaces what would be right."""
        self.seq += 1
        genl = struct.pack("=BBH", cmd, lies.get("version", 1),
                           lies.get("reserved", 0)) + body
        return struct.pack("=IHHII", lies.get("length", 16 + len(genl)),
                           lies.get("family", self.family), flags, self.seq,
                           0) + genl

    def ask(self, data):
        """Send it; the answer to the last message."""
        self.sock.send(data)
        return self.answer()

    def answer(self):
        """All that there is."""
        answer = Answer()
        while True:
            try:
                part = self.sock.recv(1 << 16)
            except BlockingIOError:
                return answer
            while len(part) >= 16:
                length, kind, flags, seq = struct.unpack_from("=IHHI", part)
                if seq == self.seq:
                    answer.take(kind, flags, part[16:length])
                part = part[(length + 3) & ~3:]
