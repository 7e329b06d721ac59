#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make install DESTDIR=...: all that is needed, where it belongs, no more."""
import glob
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
import ktap  # noqa: E402

MODULE = os.path.join(TOP, "build/debian/kmod/qbd.ko")
TOOLS = glob.glob(os.path.join(TOP, "build/user/qbd*"))


@unittest.skipUnless(os.path.exists(MODULE) and TOOLS, "not built")
class Install(unittest.TestCase):
    def install(self, *words):
        """What it leaves: path -> permissions, or where a link leads."""
        with tempfile.TemporaryDirectory() as where:
            # what was built is taken as it is
            subprocess.run(["make", "--no-print-directory", "--old-file=all",
                            "-C", TOP, "install", f"DESTDIR={where}", *words],
                           check=True, capture_output=True, timeout=120)
            found = {}
            for base, _, names in os.walk(where):
                for name in names:
                    path = os.path.join(base, name)
                    self.assertTrue(os.path.getsize(path), path)
                    found[path.removeprefix(where)] = \
                        oct(os.stat(path).st_mode & 0o7777)
        return found

    def expected(self, prefix, rules):
        kdir = subprocess.run(
            [os.path.join(TOP, "scripts/modules.sh"), "debian", "--kdir"],
            check=True, capture_output=True, text=True).stdout.strip()
        with open(os.path.join(kdir, "include/config/kernel.release"),
                  encoding="ascii") as src:
            release = src.read().strip()
        return {
            f"/lib/modules/{release}/updates/qbd.ko": "0o644",
            f"{prefix}/sbin/qbdctl": "0o755",
            f"{prefix}/sbin/qbdlat": "0o755",
            f"{rules}/60-qbd.rules": "0o644",
        }

    def test_default(self):
        self.assertEqual(self.expected("/usr/local", "/usr/lib/udev/rules.d"),
                         self.install())

    def test_elsewhere(self):
        self.assertEqual(self.expected("/opt/qbd", "/etc/udev/rules.d"),
                         self.install("PREFIX=/opt/qbd",
                                      "UDEVDIR=/etc/udev/rules.d"))


ktap.main()
