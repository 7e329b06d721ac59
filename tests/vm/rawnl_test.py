# SPDX-License-Identifier: GPL-2.0-only
"""Requests that no program of ours would send, to the node of this network
namespace: node 1 with volume 7, /dev/qbd0 (114_raw_netlink.sh makes it).

usage: rawnl_test.py verbs     each attribute of each verb bent, each verb
                               without what it needs, values without a sense
       rawnl_test.py heads     headers, lengths, nests, dumps that are wrong
       rawnl_test.py nobody    every verb is refused to who has no capability
"""
import ctypes
import errno
import os
import re
import sys
import time

from rawnl import (ACK, ADD_MEMBERSHIP, DUMP, HEAD, NESTED, REQUEST,
                   SOL_NETLINK, Answer, Netlink, Spec, attribute, attributes)
from rawnl_good import GOOD, MEMBER, MIB, NEEDS, SENSELESS, example

CLONE_NEWUSER, CLONE_NEWNET = 1 << 28, 1 << 30
INVAL, RANGE = -errno.EINVAL, -errno.ERANGE
# Parts of dumps that change while nobody does anything.
RESTLESS = re.compile(r"(heard|held|granted|since|lease)-ms|.*-index|reads|"
                      r"writes|inflight|held|log-.*|wal-(used|writes).*|"
                      r"checkpoints|relogged|home-bytes|payload-bytes|"
                      r"[rt]x-.*|queue-.*")

class Test:
    """Requests that have to be refused, and what they said."""

    def __init__(self):
        self.spec = Spec()
        self.nl = Netlink()
        self.bad = self.count = 0
        self.before = None

    def shown(self):
        """Everything that dumps show, but for what never rests."""
        rows = []
        for (verb, how), about in self.spec.verbs.items():
            if not about["shows"] or verb == "peer-get" and how == "do":
                continue
            flags = REQUEST | ACK | (DUMP if how == "dump" else 0)
            answer = self.nl.ask(self.nl.message(about["number"],
                                                 flags=flags))
            if answer.error:
                sys.exit(f"{verb}: {answer}")
            names = {attr["number"]: name for name, attr
                     in self.spec.sets[about["set"]].items()}
            rows += [(verb, [(names[number], value) for number, value
                             in attributes(row) if number in names and
                             not RESTLESS.fullmatch(names[number])])
                     for row in answer.objects]
        return rows

    def begin(self):
        """From here on nothing may change."""
        self.before = self.shown()

    def end(self):
        """Nothing has."""
        after = self.shown()
        for row in after:
            if row not in self.before:
                print(f"there is now {row}")
        for row in self.before:
            if row not in after:
                print(f"there is no more {row}")
        print(f"{self.count} requests, {self.bad} not as they should")
        return self.bad != 0 or after != self.before

    def wrong(self, what, answer, wanted):
        """Not the answer that was wanted."""
        self.bad += 1
        print(f"{what}: {answer}, not {wanted}")

    def refused(self, what, data, code, where=None, text="."):
        """The answer is this error; where: (first, end) of the offset that is
        named; and it has words."""
        self.count += 1
        answer = self.nl.ask(data)
        if answer.error != code:
            self.wrong(what, answer, errno.errorcode.get(-code, "0"))
        elif where and (answer.offset is None or
                        not where[0] <= answer.offset < where[1]):
            self.wrong(what, answer, f"at {where[0]}")
        elif not re.search(text, answer.text):
            self.wrong(what, answer, f"'{text}'")

    def bent(self, verb, how, what, head, attr, code, text="."):
        """Refused for the last attribute of it."""
        flags = REQUEST | ACK | (DUMP if how == "dump" else 0)
        first = HEAD + len(head)
        self.refused(f"{verb} ({how}) {what}",
                     self.nl.message(self.spec.number(verb, how), head + attr,
                                     flags),
                     code, (first, first + len(attr)), text)


def bends(spec, name, key):
    """(what, attribute, error) of each way to bend it."""
    attr = spec.sets[name][key]
    kind, number = attr["type"], attr["number"]
    if kind in ("u32", "u64"):
        size = 4 if kind == "u32" else 8
        for length in (0, size - 1, size + 1, size + 4):
            yield f"of {length} bytes", attribute(number, b"\1" * length), INVAL
        for bound, step in (("min", -1), ("max", 1)):
            if bound in attr:
                yield (f"beyond {bound}",
                       spec.one(name, key, attr[bound] + step), RANGE)
    elif kind == "string":
        longest = attr["max-len"]
        yield "without an end", attribute(number, b"n1"), INVAL
        yield "of no bytes", attribute(number, b""), INVAL
        yield ("too long", attribute(number, b"n" * (longest + 1) + b"\0"),
               INVAL)
        yield ("that ends early, too long",
               attribute(number, b"n1\0" + b"n" * longest), RANGE)
    elif kind == "binary":
        for length in (0, attr["exact-len"] - 1, attr["exact-len"] + 1):
            yield f"of {length} bytes", attribute(number, b"\1" * length), RANGE
    elif kind == "flag":
        yield "with a value", attribute(number, b"\1\0\0\0"), RANGE
    if kind != "nest":
        yield "as a nest", attribute(number | NESTED, b""), INVAL
    else:
        yield from nest_bends(spec, attr)


def nest_bends(spec, attr):
    """The same, of a nest and of everything in it."""
    name, number = attr["nested-attributes"], attr["number"]
    inner = spec.sets[name]
    yield "not as a nest", attribute(number, b""), INVAL
    yield "of half a header", attribute(number | NESTED, b"\1\1"), RANGE
    for wrong in (0, len(inner) + 1, 0x3fff):
        yield (f"with attribute {wrong}",
               attribute(number | NESTED, attribute(wrong, b"\1" * 4)), INVAL)
    for key in inner:
        for what, data, code in bends(spec, name, key):
            yield (f"with {key} {what}", attribute(number | NESTED, data), code)


def ignored(test, verb, how, attr):
    """The kernel does not look at attributes of a verb that takes none: the
    answer is the same as without."""
    flags = REQUEST | ACK | (DUMP if how == "dump" else 0)
    plain, answer = (test.nl.ask(test.nl.message(
        test.spec.number(verb, how), body, flags)) for body in (b"", attr))
    test.count += 1
    if answer.error != 0 or len(answer.objects) != len(plain.objects):
        test.wrong(f"{verb} ({how}) with {attr.hex()}", answer, plain)


def verb_bends(test, verb, how):
    """Each attribute bent, those that it does not know, and those it needs."""
    about, good = test.spec.verbs[verb, how], example(test.spec, verb, how)
    attrs = test.spec.sets[about["set"]]
    for key in good:
        rest = {other: good[other] for other in good if other != key}
        head = test.spec.encode(about["set"], rest)
        for what, attr, code in bends(test.spec, about["set"], key):
            test.bent(verb, how, f"{key} {what}", head, attr, code)
    head = test.spec.encode(about["set"], good)
    foreign = [attr["number"] for key, attr in attrs.items()
               if key not in good]
    for number in [0, len(attrs) + 1, 0x3fff] + foreign:
        attr = attribute(number, b"\1\0\0\0")
        if good:
            test.bent(verb, how, f"attribute {number}", head, attr, INVAL)
        else:
            ignored(test, verb, how, attr)


def verb_needs(test, verb):
    """Without each of what it needs: named by its number, and in words."""
    about, good = test.spec.verbs[verb, "do"], example(test.spec, verb)
    for key in NEEDS.get(verb, ()):
        rest = {other: good[other] for other in good if other != key}
        test.refused(f"{verb} without {key}", test.nl.message(
            about["number"], test.spec.encode(about["set"], rest)), INVAL,
            text="is missing$")
        answer = test.nl.ask(test.nl.message(
            about["number"], test.spec.encode(about["set"], rest)))
        if answer.miss != test.spec.sets[about["set"]][key]["number"]:
            test.wrong(f"{verb} without {key}", answer, key)


def senseless(test):
    """Each is refused by the attribute that is wrong."""
    for verb, change, code, named, text in SENSELESS:
        about = test.spec.verbs[verb, "do"]
        good = {**example(test.spec, verb), **change}
        rest = {key: good[key] for key in good if key != named}
        head = test.spec.encode(about["set"], rest)
        last = test.spec.encode(about["set"], {named: good[named]}) \
            if named else b""
        first = HEAD + len(head)
        test.refused(f"{verb} {str(change)[:60]}",
                     test.nl.message(about["number"], head + last), -code,
                     (first, first + len(last)) if named else None, text)


def parts(test):
    """A part of a volume's shards that is refused leaves none of them behind:
    what was good in it may come again."""
    def part(what, numbers, code, text=""):
        values = {**example(test.spec, "volume-attach"),
                  "size-bytes": 192 * MIB, "shard": [
                      {"number": number, "epoch": 1, "member": MEMBER}
                      for number in numbers]}
        test.refused(f"volume-attach, {what}", test.nl.message(
            test.spec.number("volume-attach"),
            test.spec.encode("volume", values)), code, text=text)
    part("the first part", [0], 0)
    part("a shard that there is not", [1, 9], -errno.ERANGE, "volume has 3")
    part("a shard twice", [1, 2, 1], -errno.EEXIST, "shard 1 is given twice")
    part("one of before", [1, 0], -errno.EEXIST, "shard 0 is given twice")
    part("those that were good", [1], 0)
    test.nl.ask(test.nl.message(
        test.spec.number("volume-detach"),
        test.spec.encode("volume", {"id": 8, "force": True})))
    volumes = test.nl.message(test.spec.number("volume-get", "dump"),
                              flags=REQUEST | ACK | DUMP)
    while len(test.nl.ask(volumes).objects) > 1:
        time.sleep(0.05)


def growths(test):
    """Parts of a growth: one that is refused ends it, and so does one that
    names a shard again, or another size: it is the first of another one."""
    def part(what, numbers, code=0, text="", mib=320):
        values = {"id": 7, "term": 1, "size-bytes": mib * MIB, "shard": [
            {"number": number, "epoch": 1, "member": MEMBER}
            for number in numbers], **({} if code else {"more": True})}
        test.refused(f"volume-grow, {what}", test.nl.message(
            test.spec.number("volume-grow"),
            test.spec.encode("volume", values)), code, text=text)
    part("the first part", [1, 2])
    part("one of before", [1])
    part("the last part", [3, 4], -errno.EINVAL, "sets of 1 of the 4 new")
    part("what follows", [2], -errno.EINVAL, "sets of 3 of the 4 new")
    part("the first part", [1, 2, 3])
    part("of another size", [1, 2], -errno.EINVAL, "sets of 1 of the 3 new",
         256)


def verbs():
    """Everything that is wrong in one attribute."""
    test = Test()
    test.begin()
    for verb, how in test.spec.verbs:
        verb_bends(test, verb, how)
        if how == "do":
            verb_needs(test, verb)
    senseless(test)
    bad = test.end()
    test.bad = 0
    parts(test)
    growths(test)
    return bad or test.bad != 0


def lies(test):
    """Lengths of attributes that are not those of what is there."""
    spec, number = test.spec, test.spec.number("volume-set")
    head = spec.encode("volume", example(spec, "volume-set"))
    shard = spec.encode("volume", {"shard": GOOD["volume"]["shard"]})
    for what, tail in (
            ("half a header", b"\4\0"), ("one byte", b"\1"),
            ("length 0", attribute(1, b"\7\0\0\0", 0)),
            ("length 3", attribute(1, b"\7\0\0\0", 3)),
            ("longer than the message", attribute(1, b"\7\0\0\0", 9)),
            ("as long as it goes", attribute(1, b"\7\0\0\0", 0xffff))):
        test.refused(f"volume-set, {what}", test.nl.message(
            number, head + tail), INVAL, text="leftover")
    for what, tail in (("length 0", attribute(1, b"", 0)),
                       ("too long", attribute(1, b"\0" * 4, 64)),
                       ("half a header", b"\4\0\1")):
        test.refused(f"volume-attach, in a shard: {what}", test.nl.message(
            test.spec.number("volume-attach"), spec.encode("volume", {
                **example(spec, "volume-attach"), "shard": shard[4:] + tail})),
            INVAL, text="leftover|failed")


def cut_off(test):
    """Each verb ends after each of its bytes; the length says so. What it
    needs comes last: it is never there."""
    for (verb, how), about in test.spec.verbs.items():
        if how != "do" or not about["takes"]:
            continue
        good = example(test.spec, verb)
        body = test.spec.encode(about["set"],
                                {key: good[key] for key in reversed(good)})
        for end in range(len(body)):
            answer = test.nl.ask(test.nl.message(about["number"], body[:end]))
            test.count += 1
            if not answer.error or not answer.text:
                test.wrong(f"{verb}, {end} bytes", answer, "refused")


def silent(test):
    """What is no message at all has no answer, and the next one has."""
    good = test.nl.message(test.spec.number("node-get"))
    for what, data in (
            ("3 bytes", good[:3]), ("a head in part", good[:12]),
            ("length 0", test.nl.message(1, length=0)),
            ("length 15", test.nl.message(1, length=15)),
            ("longer than it is", test.nl.message(1, length=4096)),
            ("longest", test.nl.message(1, length=0xffffffff)),
            ("no request", test.nl.message(1, flags=ACK))):
        test.count += 1
        answer = test.nl.ask(data)
        if answer.objects or answer.error not in (None, 0):
            test.wrong(what, answer, "nothing")
    many = b"".join(test.nl.message(test.spec.number("node-get"))
                    for _ in range(5))
    answer = test.nl.ask(many + b"\1" * 7)
    if answer.error != 0 or len(answer.objects) != 1:
        test.wrong("five at once", answer, "an answer")


def heads():
    """Everything that is wrong outside of the attributes."""
    test = Test()
    test.begin()
    unknown = -errno.EOPNOTSUPP
    dumps = {verb for verb, how in test.spec.verbs if how == "dump"}
    dos = {verb for verb, how in test.spec.verbs if how == "do"}
    for cmd in (0, len({verb for verb, how in test.spec.verbs}) + 1,
                max(one["number"] for one in test.spec.verbs.values()) + 1,
                255):
        if cmd in {one["number"] for one in test.spec.verbs.values()}:
            continue
        for flags in (0, DUMP):
            test.refused(f"command {cmd}", test.nl.message(
                cmd, flags=REQUEST | ACK | flags), unknown, text="")
    for verb in sorted(dos - dumps):
        test.refused(f"a dump of {verb}", test.nl.message(
            test.spec.number(verb), flags=REQUEST | ACK | DUMP), unknown,
                     text="")
    for verb in sorted(dumps - dos):
        test.refused(f"{verb} without a dump", test.nl.message(
            test.spec.number(verb, "dump")), unknown, text="")
    for (verb, how), about in test.spec.verbs.items():
        flags = REQUEST | ACK | (DUMP if how == "dump" else 0)
        test.refused(f"{verb}, half a head", test.nl.message(
            about["number"], flags=flags, length=18)[:18], INVAL, text="")
        test.refused(f"{verb}, reserved field", test.nl.message(
            about["number"], flags=flags, reserved=1), INVAL, text="reserved")
        for flag in (0x400, 0x1000, 0x8000):
            test.refused(f"{verb}, flag {flag:#x}", test.nl.message(
                about["number"], flags=flags | flag), INVAL, text="flags")
    lies(test)
    cut_off(test)
    silent(test)
    two_dumps(test)
    return test.end()


def two_dumps(test):
    """A dump that is under way keeps its socket; who leaves in the middle of
    one leaves nothing behind."""
    cmd = test.spec.number("replica-get", "dump")
    for _ in range(100):
        nl = Netlink()
        nl.sock.send(nl.message(cmd, flags=REQUEST | DUMP))
        nl.sock.close()
    nl = Netlink()
    nl.sock.send(nl.message(cmd, flags=REQUEST | DUMP))
    try:
        nl.sock.send(nl.message(cmd, flags=REQUEST | ACK | DUMP))
        answer = nl.answer()
    except OSError as error:
        answer = Answer()
        answer.error = -error.errno
    if answer.error != -errno.EBUSY:
        test.wrong("a second dump", answer, "EBUSY")


def all_refused(test, who):
    """No verb is for him, whatever is in the request."""
    for (verb, how), about in test.spec.verbs.items():
        flags = REQUEST | ACK | (DUMP if how == "dump" else 0)
        good = test.spec.encode(about["set"], example(test.spec, verb, how))
        for body in (b"", good, b"\1\2\3"):
            test.refused(f"{who}: {verb} ({how})", test.nl.message(
                about["number"], body, flags), -errno.EPERM, text="")


def nobody():
    """Who has no capability: on root's socket, on his own, and as the root of
    namespaces that he made for himself."""
    test = Test()
    libc = ctypes.CDLL(None, use_errno=True)
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    all_refused(test, "root's socket")
    test.nl = Netlink()
    all_refused(test, "nobody")
    test.count += 1
    try:
        test.nl.sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, test.nl.group)
        test.wrong("events", "joined", "EPERM")
    except PermissionError:
        pass
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        print(f"no namespaces: {os.strerror(ctypes.get_errno())}")
    else:
        test.nl = Netlink()
        all_refused(test, "root of a user namespace")
    print(f"{test.count} requests, {test.bad} not as they should")
    return test.bad != 0


if __name__ == "__main__":
    sys.exit({"verbs": verbs, "heads": heads, "nobody": nobody}[sys.argv[1]]())
