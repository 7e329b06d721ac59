# SPDX-License-Identifier: GPL-2.0-only
"""Cases: what is in tests/vm/cases/, and what each asks for.

A case says what it needs in variables at the start of a line, bare or
behind "# ":

DESCRIPTION="one line"          required
KERNELS=debian|debug|both       both
TIER=check|long                 check; long: only with --long
DEBUG=check|long                check; long: on the debug kernel only so
MODE=guest|icount|host          guest; host for python files
TIMEOUT=seconds                 120; four times as much on the debug kernel
LONG=seconds                    TIMEOUT of a run with --long, which cases see
                                as $QBD_LONG ("amount" in kernel.sh)
MEM=1G  CPUS=2                  of the guest
DISKS="64M pmem:64M"            disks of the guest, see disk.py
CMDLINE="..."                   more for its kernel
ISOLATED=1                      a guest of its own, freshly booted
ALLOW="word ..."                kernel messages that are no failure; "stall"
MODULES, PROGRAMS, FILES        icount: what its initramfs holds; FILES are
                                SOURCE[:TARGET] from the top of the tree
REPEAT=n                        icount: run n times with one seed; they have
                                to print the same
"""
import fnmatch
import os
import re

from .bed import TOP
from .proc import BedError

CASES = os.path.join(TOP, "tests", "vm", "cases")
# Everything is slower under KASAN and lockdep.
DEBUG_FACTOR = 4

_LINE = re.compile(r"^(?:# )?([A-Z]+) ?= ?(\"[^\"]*\"|'[^']*'|\S+)\s*$")
_DEFAULTS = {
    "DESCRIPTION": "", "KERNELS": "both", "TIER": "check", "DEBUG": "check", "MODE": "",
    "TIMEOUT": "120", "LONG": "", "MEM": "1G", "CPUS": "2", "DISKS": "",
    "CMDLINE": "", "ISOLATED": "", "ALLOW": "", "MODULES": "", "PROGRAMS": "",
    "FILES": "", "REPEAT": "1",
}
_CHOICES = {"KERNELS": ("debian", "debug", "both"),
            "TIER": ("check", "long"), "DEBUG": ("check", "long"),
            "MODE": ("guest", "icount", "host")}


class Case:
    """One case file and its header."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        values = dict(_DEFAULTS)
        with open(path, encoding="utf-8") as src:
            for line in src:
                match = _LINE.match(line)
                if match and match[1] in values:
                    values[match[1]] = match[2].strip("\"'")
        if not values["MODE"]:
            values["MODE"] = "host" if path.endswith(".py") else "guest"
        self._check(values)
        self.description = values["DESCRIPTION"]
        self.tier = values["TIER"]
        self.mode = values["MODE"]
        self.isolated = values["ISOLATED"] not in ("", "0")
        self.allow = values["ALLOW"].split()
        self.kernels = [values["KERNELS"]]
        if values["KERNELS"] == "both":
            self.kernels = ["debian", "debug"]
        self.values = values

    def trim(self):
        """Leave what a run without --long does; False: nothing."""
        if self.values["DEBUG"] == "long":
            self.kernels = [one for one in self.kernels if one != "debug"]
        return self.tier == "check" and bool(self.kernels)

    def _check(self, values):
        if not values["DESCRIPTION"]:
            raise BedError(f"{self.path}: no DESCRIPTION")
        for key, choices in _CHOICES.items():
            if values[key] not in choices:
                raise BedError(f"{self.path}: {key}={values[key]}: not one "
                               f"of {' '.join(choices)}")
        values["LONG"] = values["LONG"] or values["TIMEOUT"]
        for key in ("TIMEOUT", "LONG", "REPEAT"):
            if not values[key].isdigit():
                raise BedError(f"{self.path}: {key} is not a number")

    def timeout(self, kernel):
        """Seconds it may take on this kernel."""
        seconds = int(self.values["LONG" if os.environ.get("QBD_LONG") else
                                  "TIMEOUT"])
        return seconds * (DEBUG_FACTOR if kernel == "debug" else 1)

    def words(self, key):
        """A variable that is a list."""
        return self.values[key].split()

    def spec(self, kernel):
        """What its guest is made of; equal ones may share a guest."""
        return {"kernel": kernel, "cpus": self.values["CPUS"],
                "mem": self.values["MEM"],
                "disks": tuple(self.words("DISKS")),
                "cmdline": tuple(self.words("CMDLINE"))}


def load(glob="*", long=False, where=CASES):
    """The cases whose name matches, in order; one that is named without a
    wildcard is wanted, however long it takes."""
    cases = []
    long = long or not set(glob) & set("*?[")
    for name in sorted(os.listdir(where)):
        if not re.fullmatch(r"\d{3}_\w+\.(sh|py)", name):
            continue
        case = Case(os.path.join(os.path.abspath(where), name))
        short = case.name.split("_")[0]
        if not any(fnmatch.fnmatch(one, glob)
                   for one in (case.name, name, short)):
            continue
        if long or case.trim():
            cases.append(case)
    return cases
