#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""qbdctl kernel links, as far as it goes without the module: its file."""
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


@unittest.skipUnless(os.access(QBDCTL, os.X_OK), "qbdctl is not built")
class Links(unittest.TestCase):
    def run_links(self, *words):
        done = subprocess.run([QBDCTL, "kernel", "links", *words], text=True,
                              capture_output=True, check=False, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def check(self, text, *words):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(text)
            file.flush()
            code, out, err = self.run_links(file.name, "--check", *words)
        return (code, out.replace(file.name, "FILE"),
                err.replace(file.name, "FILE"))

    def test_good(self):
        one = "listen 0.0.0.0:7789\npeer 2 10.0.0.2:7789\n"
        self.assertEqual((0, "FILE: ok, 1 peer\n", ""), self.check(one))
        two = one + "peer 3 10.0.0.3:7789\n"
        self.assertEqual((0, "FILE: ok, 2 peers\n", ""), self.check(two))

    def test_good_in_json(self):
        for line, links in ("", None), ("links 4\n", 4):
            code, out, err = self.check(line + "peer 2 10.0.0.2:7789\n",
                                        "--json")
            self.assertEqual((0, ""), (code, err))
            self.assertEqual({"file": "FILE", "listens": 0, "links": links,
                              "peers": 1}, json.loads(out))

    def test_example_of_the_readme(self):
        with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
            found = re.search(r"^# /etc/qbd/links.conf\n(.*?)^```",
                              file.read(), re.M | re.S)
        code, out, err = self.check(found[1], "--json")
        self.assertEqual((0, ""), (code, err))
        said = json.loads(out)
        self.assertEqual((1, 4, 3), (said["listens"], said["links"],
                                     said["peers"]))

    def test_json_without_check(self):
        code, out, err = self.run_links("/nonexistent", "--json")
        self.assertEqual((2, ""), (code, out))
        self.assertIn("qbdctl: --json is for --check", err)

    def test_bad_line(self):
        self.assertEqual(
            (1, "", "qbdctl: FILE:2: links=4: say it once for all peers, "
             "in a line of its own: links 4\n"),
            self.check("# one\npeer 2 10.0.0.2:7789 links=4\n"))

    def test_no_file(self):
        code, _, err = self.run_links("/nonexistent", "--check")
        self.assertEqual(1, code)
        self.assertEqual(
            "qbdctl: /nonexistent: No such file or directory\n", err)

    def test_usage(self):
        for words in (), ("a", "b"), ("a", "--chek"), ("a", "--check=1"):
            code, out, err = self.run_links(*words)
            self.assertEqual((2, ""), (code, out))
            self.assertIn("usage: qbdctl kernel links FILE [--check]", err)

    def test_help(self):
        done = subprocess.run([QBDCTL, "kernel", "help"], text=True,
                              capture_output=True, check=True)
        for verb in ("peer add --id N [--links N]", "peer remove --id N",
                     "peer show", "link show [--peer N]",
                     "link remove --peer N --link N", "links FILE [--check]"):
            self.assertIn("  " + verb, done.stdout)


ktap.main()
