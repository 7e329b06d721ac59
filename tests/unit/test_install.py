#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make install DESTDIR=...: all that is needed, where it belongs, no more."""
import glob
import os
import shutil
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

    def expected(self, prefix, rules, units):
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
            f"{prefix}/sbin/qbdraft": "0o755",
            f"{prefix}/sbin/qbdd": "0o755",
            f"{rules}/60-qbd.rules": "0o644",
            f"{units}/qbdd.service": "0o644",
            "/etc/qbd/qbdd.conf.example": "0o644",
            f"{prefix}/share/bash-completion/completions/qbdctl": "0o644",
            **{f"{prefix}/share/man/man8/{page}.8": "0o644" for page in
               ("qbdctl", "qbdctl-cluster", "qbdctl-daemon", "qbdctl-job",
                "qbdctl-kernel", "qbdctl-node", "qbdctl-ping",
                "qbdctl-state", "qbdctl-store", "qbdctl-token",
                "qbdctl-volume", "qbdd")},
        }

    def test_default(self):
        self.assertEqual(self.expected("/usr/local", "/usr/lib/udev/rules.d",
                                       "/usr/lib/systemd/system"),
                         self.install())

    def test_elsewhere(self):
        self.assertEqual(self.expected("/opt/qbd", "/etc/udev/rules.d",
                                       "/etc/systemd/system"),
                         self.install("PREFIX=/opt/qbd",
                                      "UDEVDIR=/etc/udev/rules.d",
                                      "UNITDIR=/etc/systemd/system"))

    def test_daemon(self):
        """The example is a good file, and systemd understands the unit."""
        qbdd = os.path.join(TOP, "build/user/qbdd")
        done = subprocess.run(
            [qbdd, "--check-config", "--config",
             os.path.join(TOP, "daemon/qbdd/qbdd.conf.example")],
            check=False, capture_output=True, text=True, timeout=60)
        self.assertEqual((0, ""), (done.returncode, done.stderr))
        if not shutil.which("systemd-analyze"):
            self.skipTest("no systemd-analyze")
        with open(os.path.join(TOP, "daemon/qbdd/qbdd.service.in"),
                  encoding="utf-8") as src:
            unit = src.read()
        self.assertEqual(1, unit.count("@SBINDIR@"))
        with tempfile.TemporaryDirectory() as where:
            name = os.path.join(where, "qbdd.service")
            with open(name, "w", encoding="utf-8") as out:
                out.write(unit.replace("@SBINDIR@", os.path.dirname(qbdd)))
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", name], check=False,
                capture_output=True, text=True, timeout=60)
        self.assertEqual((0, ""), (done.returncode, done.stderr))


ktap.main()
