# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel says on its console, and what it must not say.

The init of a guest raises the console level, so the console log holds every
message in order, also those of a guest that hangs or has died.
"""
import os
import re

from .proc import tail

# Anything here fails the case that caused it.
_BAD = re.compile(
    r"WARNING:|BUG:|KASAN|KCSAN|UBSAN|kmemleak: \d+ new|Oops|"
    r"general protection fault|Kernel panic|kernel BUG at|"
    r"possible circular locking|inconsistent lock state|"
    r"possible recursive locking|possible irq lock inversion|"
    r"suspicious RCU usage|bad unlock balance|held lock freed|"
    r"lock held when returning|invalid wait context|"
    r"sleeping function called|scheduling while atomic|"
    r"blocked for more than|refcount_t:|"
    r"list_(?:add|del) corruption|ODEBUG:|use-after-free|double free|"
    r"stack-protector:|bad page|Bad page state|page allocation failure|"
    r"Unable to handle|unable to handle|NULL pointer dereference|"
    r"memory leak|Objects remaining|still has objects")
# Under TCG a busy host can starve a vCPU: reported apart, and a case may
# say ALLOW="stall".
_STALL = re.compile(
    r"detected stalls|self-detected stall|soft lockup|rcu.*kthread starved|"
    r"hard LOCKUP|workqueue lockup")
# What looks bad and is not.
_FINE = re.compile(
    r"workqueue: .* hogged CPU|lockdep is turned off by|"
    r"kmemleak: (?:Kernel memory leak detector initialized|"
    r"Automatic memory scanning)")


# QEMU without KVM can run a stale translation of code that another CPU has
# patched: a breakpoint with nobody behind it.
_SLIP = re.compile(r"Oops: int3:")
_EFLAGS = re.compile(r"\bEFLAGS: ([0-9a-f]{8})\b")
# Bits 3, 5, 15 and from 22 on are 0 on every CPU, bit 1 is 1 (Intel SDM, volume
# 1, figure 3-8): flags without that are none that a program can bring about.
_EFLAGS_ZERO, _EFLAGS_ONE = 0xffc08028, 0x2


def _impossible(flags):
    return flags & _EFLAGS_ZERO or not flags & _EFLAGS_ONE


def emulator_slip(text):
    """True if this piece of console shows a fault of the emulator."""
    return bool(_SLIP.search(text)) or any(
        _impossible(int(one, 16)) for one in _EFLAGS.findall(text))


class Finding:
    """One line of a console that should not be there."""

    def __init__(self, kind, line, context):
        self.kind = kind
        self.line = line
        self.context = context


def scan(text, allow=()):
    """Findings in a piece of console log, at most ten."""
    findings = []
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if _FINE.search(line):
            continue
        if _STALL.search(line):
            kind = "stall"
        elif _BAD.search(line):
            kind = "kernel"
        else:
            continue
        if kind in allow or any(word in line for word in allow if
                                word != "stall"):
            continue
        findings.append(Finding(kind, line, lines[at:at + 40]))
        if len(findings) == 10:
            break
    return findings


class Console:
    """The log of one guest's first serial port."""

    def __init__(self, path):
        self.path = path

    def mark(self):
        """A position: now."""
        try:
            return os.path.getsize(self.path)
        except OSError:
            return 0

    def since(self, mark):
        """What was said since a mark."""
        try:
            with open(self.path, "rb") as src:
                src.seek(mark)
                return src.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def last_words(self, lines=25):
        """Its end, for a message about a machine that is gone."""
        return tail(self.path, lines)
