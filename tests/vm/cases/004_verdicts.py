#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The runner's own test: cases that go wrong, and what it says of each.

A runner that passes everything is worse than none. bad/ holds a case for
each way to go wrong; none of them may leave a process behind either.
"""
import os
import re
import subprocess

from bed import TOP, check, run_case

DESCRIPTION = "cases that fail are reported, and leave nothing running"
# TIER=long
# TIMEOUT=900
# KERNELS=debian

BAD = os.path.join(TOP, "tests", "vm", "bad")
# Verdict, and what has to be said before it.
EXPECTED = {
    "100_warning": ("not ok", "the kernel complained"),
    "101_hang": ("not ok", "not done after"),
    "102_panic": ("not ok", "the guest died"),
    "103_fails": ("not ok", "103_fails.sh:"),
    "104_skip": ("ok", "SKIP no no-such-program"),
    "105_leaves": ("ok", "left behind: stray"),
    "106_after": ("ok", ""),
    "107_refuse": ("not ok", "true is refused"),
    "200_hang": ("not ok", "not done after"),
    "201_warning": ("not ok", "the kernel complained"),
}


def machines():
    """Machines of beds that this process (by its environment) started."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as src:
                mine = b"QBD_CASE=bad-marker" in src.read()
            with open(f"/proc/{pid}/comm", encoding="utf-8") as src:
                name = src.read().strip()
        except OSError:
            continue           # it has ended
        if mine and name.startswith(("qemu", "virtiofsd")):
            found.append(pid)
    return found


def main():
    """Run them all, then look at every verdict."""
    kernel = os.environ["QBD_KERNEL"]
    done = subprocess.run(
        [os.path.join(TOP, "scripts", "testbed"), "cases", "--directory", BAD,
         "--kernel", kernel], stdout=subprocess.PIPE, text=True, check=False,
        env={**os.environ, "QBD_CASE": "bad-marker"}, timeout=850)
    print(done.stdout)
    check("exit code 1", done.returncode == 1)
    parts = re.split(r"^((?:not )?ok) \d+ - (\w+)\.\w+ (.*)$", done.stdout,
                     flags=re.M)
    seen = {}
    for before, verdict, name, after in zip(*[iter(parts)] * 4):
        seen[name] = (verdict, before + after)
    for name, (verdict, text) in EXPECTED.items():
        check(f"{name} is '{verdict}'", seen[name][0] == verdict)
        check(f"{name}: '{text}'", text in seen[name][1])
    check("refuse: seven of eleven are none",
          seen["107_refuse"][1].count("not ok") == 7)
    check("103_fails stops at the error",
          "# not reached" not in done.stdout)
    check("errexit inside check", "not ok 1 - errexit" in done.stdout)
    check("and in quiet", "not ok 2 - and inside of what" in done.stdout)
    check("a last line that counts", re.search(
        r"^2 passed, 7 failed, 1 skipped$", done.stdout, re.M))
    check("nothing runs any more", not machines())


if __name__ == "__main__":
    run_case(main)
