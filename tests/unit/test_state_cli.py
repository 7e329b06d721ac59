#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""qbdctl state check, dump, repair on a directory: words, JSON, exit codes.

The directory is made here, byte by byte as raftlog/format.h says, so it is a
second reading of the format too. What each kind of damage means is tested in
test_raftlog_open.c; here it is the tool around it.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
import ktap  # noqa: E402

QBDCTL = os.environ.get("QBDCTL", os.path.join(TOP, "build/user/qbdctl"))
CLUSTER = bytes(range(16))
SERVER = 3
PAGE = 4096
SEGMENT = "segment-0000000000000001"


def crc32c(crc, data):
    """The kernel's: nothing is inverted."""
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc


def page(magic, body):
    """A page: header, then what its kind has from byte 40 on."""
    rest = struct.pack("<II16sQ", 1, 0, CLUSTER, SERVER) + body
    rest = rest.ljust(PAGE - 8, b"\0")
    return magic + struct.pack("<I", crc32c(0xffffffff, rest)) + rest


def slot(generation, term, vote, known):
    """Hard state, in its page."""
    hard = struct.pack("<QQQQ", generation, term, vote, known)
    return page(b"qRh1", b"qRs1" + struct.pack(
        "<I", crc32c(0xffffffff, hard)) + hard)


def segment(first, entries, size=16384):
    """Records that are a chain."""
    data, chain = page(b"qRg1", struct.pack("<QII", first, 0, 0)), 0
    for index, (term, content) in enumerate(entries, first):
        body = struct.pack("<QQIBxxx", term, index, len(content), 2) + content
        body += b"\0" * (-len(content) % 8)
        chain = crc32c(chain, body)
        data += b"qRe1" + struct.pack("<I", chain) + body
    return data.ljust(size, b"\0")


@unittest.skipUnless(os.access(QBDCTL, os.X_OK), "qbdctl is not built")
class State(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        conf = struct.pack("<BBHHHQ", 1, 1, 1, 0, 0, SERVER)
        self.put("identity", page(b"qRi1", struct.pack(
            "<QII", 9, len(conf), 0) + conf))
        self.put("state", slot(4, 2, 3, 3) + slot(3, 2, 3, 2))
        self.put(SEGMENT, segment(1, [(1, b"a"), (2, b"bc"), (2, b"def")]))

    def tearDown(self):
        self.dir.cleanup()

    def put(self, name, data):
        with open(os.path.join(self.dir.name, name), "wb") as file:
            file.write(data)

    def flip(self, name, offset):
        with open(os.path.join(self.dir.name, name), "r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 0x10]))

    def content(self):
        said = {}
        for name in os.listdir(self.dir.name):
            with open(os.path.join(self.dir.name, name), "rb") as file:
                said[name] = file.read()
        return said

    def run_state(self, verb, *words):
        done = subprocess.run([QBDCTL, "state", verb, self.dir.name, *words],
                              text=True, capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def listing(self, verb, *words):
        code, out, _ = self.run_state(verb, *words, "--json")
        return code, json.loads(out)

    def test_healthy(self):
        before = self.content()
        self.assertEqual((0, []), self.listing("check"))
        code, out, err = self.run_state("check")
        self.assertEqual((0, ""), (code, err))
        self.assertIn("server 3: term 2, snapshot at 0, log to 3", out)
        self.assertIn("healthy", out)
        self.assertEqual(before, self.content())

    def test_dump(self):
        code, said = self.listing("dump")
        self.assertEqual(0, code)
        self.assertEqual((3, 9, 2, 3, 3, 1, 3, "3"), tuple(
            said[0][key] for key in ("server", "lineage", "term", "vote",
                                     "known", "first", "last", "members")))
        code, said = self.listing("dump", "--entries")
        self.assertEqual([(1, 1, "61"), (2, 2, "6263"), (3, 2, "646566")], [
            (row["index"], row["term"], row["data"]) for row in said])
        self.assertEqual((0, []), self.listing("dump", "--snapshots"))
        self.assertEqual(2, self.run_state("dump", "--entries",
                                           "--hard")[0])

    def test_torn(self):
        self.flip(SEGMENT, 16000)
        self.flip("state", PAGE + 50)
        self.put("taking", b"half of it")
        before = self.content()
        code, said = self.listing("check")
        self.assertEqual(0, code)
        self.assertEqual({("state", PAGE), ("taking", 0), (SEGMENT, 4216)},
                         {(row["file"], row["offset"]) for row in said})
        self.assertEqual(before, self.content())
        code, out, _ = self.run_state("repair")
        self.assertEqual(0, code)
        self.assertIn("3 findings, put right", out)
        self.assertEqual((0, []), self.listing("check"))
        self.assertNotIn("taking", os.listdir(self.dir.name))

    def test_damaged(self):
        self.flip(SEGMENT, PAGE + 45)
        before = self.content()
        for verb in "check", "repair":
            code, said = self.listing(verb)
            self.assertEqual(1, code)
            self.assertEqual(("damage", SEGMENT, PAGE + 40), tuple(
                said[0][key] for key in ("severity", "file", "offset")))
            self.assertIn("new id", said[0]["next"])
        code, _, err = self.run_state("dump", "--entries")
        self.assertEqual(1, code)
        self.assertIn(f"{SEGMENT}:{PAGE + 40}: a record is bad behind 1", err)
        self.assertEqual(before, self.content())

    def test_not_one(self):
        os.unlink(os.path.join(self.dir.name, "identity"))
        code, said = self.listing("check")
        self.assertEqual((1, "refused"), (code, said[0]["severity"]))
        self.dir.cleanup()
        code, out, err = self.run_state("check")
        self.assertEqual((1, ""), (code, out))
        self.assertIn("No such file", err)
        os.mkdir(self.dir.name)
        self.assertEqual(2, subprocess.run(
            [QBDCTL, "state", "check"], capture_output=True,
            check=False).returncode)


ktap.main()
