#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""qbdctl store format, check, dump on an image file: words, JSON, exit codes.

What the core makes of a damaged store is tested in test_check.c; here it is
the tool around it.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
import ktap  # noqa: E402

QBDCTL = os.environ.get("QBDCTL", os.path.join(TOP, "build/user/qbdctl"))
CLUSTER = "00112233-4455-6677-8899-aabbccddeeff"
BLOCK = 4096


@unittest.skipUnless(os.access(QBDCTL, os.X_OK), "qbdctl is not built")
class Store(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.image = os.path.join(self.dir.name, "store")
        with open(self.image, "wb") as file:
            file.truncate(256 << 20)

    def tearDown(self):
        self.dir.cleanup()

    def run_store(self, *words):
        done = subprocess.run([QBDCTL, "store", *words], text=True,
                              capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def format(self, *options):
        return self.run_store("format", self.image, "--cluster", CLUSTER,
                              *options)

    def listing(self, *words):
        code, out, err = self.run_store(*words, "--json")
        self.assertEqual("", err)
        return code, json.loads(out)

    def damage(self, offset):
        with open(self.image, "r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 0x10]))

    def test_format(self):
        code, out, err = self.format("--json")
        self.assertEqual((0, ""), (code, err))
        made = json.loads(out)[0]
        self.assertEqual(64 << 20, made["log_bytes"])
        self.assertEqual(256 << 10, made["chunk_bytes"])
        code, said = self.listing("dump", self.image)
        self.assertEqual(0, code)
        self.assertEqual(made["uuid"], said[0]["uuid"])
        self.assertEqual(CLUSTER, said[0]["cluster"])
        self.assertTrue(said[0]["clean"])

    def test_format_options(self):
        uuid = "11111111-2222-4333-8444-555555555555"
        code, _, _ = self.format("--uuid", uuid, "--wal-size", "16M",
                                 "--chunk-size", "64K", "--overcommit", "1",
                                 "--replicas", "10")
        self.assertEqual(0, code)
        _, said = self.listing("dump", self.image)
        self.assertEqual(uuid, said[0]["uuid"])
        self.assertEqual(16 << 20, said[0]["log_bytes"])
        self.assertEqual(64 << 10, said[0]["chunk_bytes"])

    def test_format_refuses(self):
        for words in (("--wal-size", "1000"), ("--chunk-size", "3M"),
                      ("--chunk-size", "4K"), ("--overcommit", "0"),
                      ("--replicas", "513"), ("--wal-size", "1T"),
                      ("--uuid", "x"), ("--no-such-option",), ("more",)):
            code, _, err = self.format(*words)
            self.assertIn(code, (1, 2), words)
            self.assertNotEqual("", err, words)
        self.assertEqual(2, self.run_store("format", self.image)[0])
        with open(self.image, "rb") as file:
            self.assertEqual(bytes(32 * BLOCK), file.read(32 * BLOCK))

    def test_what_is_there_stays(self):
        for offset in (600, 31 * BLOCK, (256 << 20) - 512):
            self.damage(offset)
            code, _, err = self.format()
            self.assertEqual(1, code)
            self.assertIn("--force", err)
            self.damage(offset)
        self.assertEqual(0, self.format()[0])
        code, _, err = self.format()
        self.assertEqual(1, code)
        self.assertIn("a store", err)
        _, before = self.listing("dump", self.image)
        self.assertEqual(0, self.format("--force")[0])
        _, after = self.listing("dump", self.image)
        self.assertNotEqual(before[0]["uuid"], after[0]["uuid"])

    def test_check(self):
        self.format()
        self.assertEqual((0, []), self.listing("check", self.image))
        code, out, _ = self.run_store("check", self.image)
        self.assertEqual(0, code)
        self.assertIn("healthy", out)
        self.damage(16 * BLOCK + 300)
        code, findings = self.listing("check", self.image)
        self.assertEqual(1, code)
        self.assertEqual(["super-damaged"], [f["kind"] for f in findings])
        self.assertEqual(1, findings[0]["first"])
        self.damage(300)
        code, findings = self.listing("check", self.image)
        self.assertEqual(1, code)
        self.assertEqual("store", findings[-1]["severity"])
        code, out, err = self.run_store("dump", self.image)
        self.assertEqual(1, code)
        self.assertIn("check", err)

    def test_a_file_cut_short(self):
        self.format()
        os.truncate(self.image, 255 << 20)
        code, findings = self.listing("check", self.image)
        self.assertEqual(1, code)
        self.assertEqual(["device-size"], [f["kind"] for f in findings])
        os.truncate(self.image, 100)
        self.assertEqual(1, self.run_store("check", self.image)[0])

    def test_dump_lists(self):
        self.format()
        for part in ("--replicas", "--log"):
            self.assertEqual((0, []), self.listing("dump", self.image, part))

    def test_words(self):
        self.assertEqual(2, self.run_store()[0])
        self.assertEqual(2, self.run_store("frobnicate")[0])
        self.assertEqual(2, self.run_store("check")[0])
        self.assertEqual(2, self.run_store("dump", "a", "b")[0])
        self.assertEqual(1, self.run_store("check", "/dev/null")[0])
        self.assertEqual(1, self.run_store("check", self.dir.name)[0])
        code, _, err = self.run_store("check", self.image + ".absent")
        self.assertEqual(1, code)
        self.assertIn("No such file", err)
        code, out, _ = self.run_store("help")
        self.assertEqual(0, code)
        for verb in ("format", "check", "dump"):
            self.assertIn(verb, out)


ktap.main()
