#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""qbdctl store format, check, dump on an image file: words, JSON, exit codes.

What the core makes of a damaged store is tested in test_check.c; here it is
the tool around it.
"""
import json
import os
import re
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
        log = "whole blocks of 4K; 16 MiB are needed for writes of 1 MiB"
        chunk = "a power of two from 64K to 1M"
        for option, word, expected in (
                ("--wal-size", "15M", log), ("--wal-size", "16777217", log),
                ("--wal-size", "x", log), ("--chunk-size", "768K", chunk),
                ("--chunk-size", "4K", chunk), ("--chunk-size", "2M", chunk),
                ("--overcommit", "0", "a number from 1 to 1000"),
                ("--overcommit", "1001", "a number from 1 to 1000"),
                ("--replicas", "512", "a number from 1 to 511"),
                ("--cluster", "x", "a uuid"),
                ("--uuid", "x", "a uuid that is not all zeroes"),
                ("--uuid", "00000000-0000-0000-0000-000000000000",
                 "a uuid that is not all zeroes")):
            code, out, err = self.format(option, word)
            self.assertEqual((2, ""), (code, out))
            self.assertEqual(f"qbdctl: {option} {word}: expected {expected}",
                             err.split("\n")[0])
        for words, said in (
                (("--no-such-option",), "unknown option --no-such-option"),
                (("more",), "more: a word too many")):
            code, _, err = self.format(*words)
            self.assertEqual(2, code)
            self.assertEqual("qbdctl: " + said, err.split("\n")[0])
        code, _, err = self.run_store("format", self.image)
        self.assertEqual(2, code)
        self.assertIn("qbdctl: --cluster is needed\nusage: ", err)
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
        self.assertEqual(2, self.run_store("dump", self.image, "--log",
                                           "--super")[0])

    def test_help(self):
        code, listed, err = self.run_store("--help")
        self.assertEqual((0, ""), (code, err))
        self.assertEqual((0, listed, ""), self.run_store("help"))
        self.assertEqual((2, "", listed), self.run_store())
        for verb, option in (("format", "--wal-size SIZE"), ("check", "--json"),
                             ("dump", "--replicas")):
            self.assertIn(f"\n  {verb} DEVICE", listed)
            code, out, err = self.run_store(verb, "x", "--help")
            self.assertEqual((0, ""), (code, err))
            self.assertIn(f"usage: qbdctl store {verb} DEVICE", out)
            self.assertIn("\n  " + option, out)

    def test_sizes_that_do_not_fit(self):
        """What is refused has a bound, and the bound is the true one."""
        for device, words, said in (
                (20, (), "20 MiB is too small for a store: "
                 "(64) MiB are needed"),
                (64, ("--wal-size", "80M"),
                 "64 MiB is too small for a store with a log of 80 MiB: "
                 r"(\d+) MiB are needed; give a smaller --wal-size, "
                 "or a larger device"),
                (300 << 10, ("--chunk-size", "64K", "--overcommit", "1000"),
                 r"300 GiB is too large: (\d+) MiB is the most with this "
                 "--chunk-size and --overcommit; give larger chunks, "
                 "or a smaller --overcommit")):
            os.truncate(self.image, device << 20)
            code, out, err = self.format("--force", *words)
            self.assertEqual((1, ""), (code, out))
            found = re.fullmatch(f"qbdctl: {self.image}: {said}\n", err)
            self.assertIsNotNone(found, err)
            bound = int(found[1])
            os.truncate(self.image, bound << 20)
            self.assertEqual(0, self.format("--force", *words)[0])
            beyond = bound + (1 if bound < device else -1)
            os.truncate(self.image, beyond << 20)
            self.assertEqual(1, self.format("--force", *words)[0])

    def test_dump_of_no_store(self):
        self.assertEqual(
            (1, "", f"qbdctl: {self.image}: no usable superblock: not a "
             "store; see 'qbdctl store check'\n"),
            self.run_store("dump", self.image))
        self.format()
        os.truncate(self.image, 255 << 20)
        self.assertEqual(
            (1, "", f"qbdctl: {self.image}: the device is smaller than the "
             "store; see 'qbdctl store check'\n"),
            self.run_store("dump", self.image))

    def test_log_size_as_help_says(self):
        text = " ".join(self.run_store("format", "--help")[1].split())
        self.assertIn("a sixteenth of the device, but from 64M to 4G, and "
                      "never more than a quarter of it", text)
        for device, log in ((100, 25), (256, 64), (512, 64), (2048, 128),
                            (100 << 10, 4096)):
            os.truncate(self.image, device << 20)
            code, out, err = self.format("--force", "--json")
            self.assertEqual((0, ""), (code, err))
            self.assertEqual(log << 20, json.loads(out)[0]["log_bytes"])


ktap.main()
