# SPDX-License-Identifier: GPL-2.0-only
"""Runs cases and prints KTAP.

Cases of mode "guest" that ask for the same machine share one, as long as
they leave it as they found it: a case that fails, complains in the kernel
log, or leaves modules, namespaces or mounts behind costs the machine.
After the last case on a debug kernel kmemleak is asked, twice.
"""
import os
import signal
import sys
import time

from . import icount
from .bed import BEDS, TOP, Bed, guest_env
from .cases import CASES
from .console import emulator_slip
from .link import GuestDied
from .proc import BedError, Child, scaled

PASS, FAIL, SKIP = 0, 1, 4
# What a well-behaved case leaves: nothing of this may print.
_LEFTOVERS = r"""
ls -A /run/netns 2>/dev/null
grep -o '^qbd[^ ]*' /proc/modules
grep -o ' /mnt/[^ ]*' /proc/mounts
ls /sys/block | grep -E '^(qbd|nullb[1-9]|dm-)'
true
"""


class Outcome:
    """How a case ended, and what there is to say about it."""

    def __init__(self, code, why="", output="", retry=False):
        self.code = code
        self.why = why
        self.output = output
        self.retry = retry


class Machine:
    """The guest that cases share, until it is spoilt."""

    def __init__(self):
        self._bed = None
        self._spec = None
        self.ran = []

    def get(self, spec, fresh):
        """A guest made like this; boots if there is none."""
        if self._bed and (fresh or spec != self._spec):
            self.drop(failed=False)
        if not self._bed:
            start = time.monotonic()
            bed = Bed(**spec)
            try:
                bed.start()
            except BaseException:
                bed.close(failed=True)
                raise
            self._bed, self._spec = bed, spec
            print(f"# booted {spec['kernel']} in "
                  f"{time.monotonic() - start:.1f} s: {bed.name}", flush=True)
        return self._bed

    @property
    def kernel(self):
        """Kernel of the guest there is, or None."""
        return self._spec["kernel"] if self._bed else None

    def drop(self, failed):
        """End the guest; logs of a failure stay."""
        if self._bed:
            self._bed.close(failed)
        self._bed = None
        self.ran = []

    def leaks(self):
        """What kmemleak reports."""
        return self._bed.node(1).leaks()

    def slipped(self):
        """Did the emulator kill its guest, not the kernel itself?"""
        if not self._bed:
            return False
        guest = self._bed.node(1)
        return emulator_slip(guest.console.since(guest.checked))

    def where(self):
        """Where its logs are."""
        return self._bed.dir if self._bed else ""


def _run_in_guest(machine, case, kernel):
    bed = machine.get(case.spec(kernel), case.isolated)
    guest = bed.node(1)
    machine.ran.append(case.name)
    guest.run(f"echo 'case {case.name}' >/dev/kmsg")
    bed.findings()
    job = guest.spawn(["bash", "-c", 'exec bash "$0" 2>&1', case.path],
                      cwd=TOP, env={"QBD_CASE": case.name})
    job.close_input()
    limit = scaled(case.timeout(kernel))
    code, why = FAIL, ""
    try:
        if job.ended(limit):
            code = job.code
        else:
            why = f"not done after {limit:g} s\n" + _blocked(guest)
            job.signal(signal.SIGKILL)
    except GuestDied:
        why = "the guest died"
    return _judge(machine, bed, case, code, why, job.text())


def _blocked(guest):
    """The end of its console, where the kernel says which tasks are stuck."""
    _sysrq(guest, "w")
    return guest.console.last_words(60)


def _sysrq(guest, keys):
    """Ask the kernel; it may be on its way out, and say nothing any more."""
    try:
        guest.spawn("; ".join(f"echo {key} >/proc/sysrq-trigger"
                              for key in keys)).ended(scaled(10))
    except GuestDied:
        pass


def _judge(machine, bed, case, code, why, output):
    """Exit code, kernel log and leftovers make the outcome."""
    guest = bed.node(1)
    text = guest.console.since(guest.checked)
    found = bed.findings(case.allow)
    if found:
        code = FAIL
        why += "\n" * bool(why) + "the kernel complained" + (
            " (a stall: may be the host)" if
            all(one.kind == "stall" for _, one in found) else "") + ":\n"
        why += "\n".join(found[0][1].context)
    elif not guest.alive():
        why += "\n" + guest.console.last_words()
    if not why and code not in (PASS, SKIP):
        why = f"exit code {code}"
    if code not in (PASS, SKIP) and guest.alive():
        # what waits for what, in the log that stays
        _sysrq(guest, "wt")
    outcome = Outcome(code if code in (PASS, SKIP) else FAIL, why, output,
                      emulator_slip(text))
    if outcome.code == FAIL or case.isolated:
        outcome.why += f"\nlogs: {bed.dir}" * (outcome.code == FAIL)
        machine.drop(failed=outcome.code == FAIL)
        return outcome
    left = guest.run(_LEFTOVERS).out.split()
    if left:
        print(f"# {case.name} left behind: {' '.join(left)}", flush=True)
        machine.drop(failed=False)
    return outcome


def _run_on_host(case, kernel):
    """A python case that makes its own beds, in a process of its own."""
    where = os.path.join(BEDS, "logs")
    os.makedirs(where, exist_ok=True)
    log = os.path.join(where, f"{case.name}.{kernel}.{os.getpid()}")
    env = {**os.environ, **guest_env(kernel), "QBD_CASE": case.name,
           "PYTHONPATH": os.path.join(TOP, "tests", "vm"),
           "PYTHONDONTWRITEBYTECODE": "1"}
    child = Child(["/usr/bin/python3", case.path], TOP, log, env=env)
    limit = scaled(case.timeout(kernel))
    try:
        code = child.wait(limit)
    finally:
        child.end_group()
    with open(log, encoding="utf-8", errors="replace") as src:
        output = src.read()
    os.unlink(log)
    if code is None:
        return Outcome(FAIL, f"not done after {limit:g} s", output)
    if code in (PASS, SKIP):
        return Outcome(code, "", output)
    return Outcome(FAIL, f"exit code {code}", output, emulator_slip(output))


def _run_icount(case, kernel, seed):
    result = icount.run(case, kernel, seed)
    if result.code in (PASS, SKIP) and not result.why:
        return Outcome(result.code, "", result.output)
    why = result.why or f"exit code {result.code}"
    return Outcome(FAIL, f"{why}\nlogs: {result.where}", result.output)


class Run:
    """All cases on some kernels, and the count of what came of them."""

    def __init__(self, seed, verbose, share=None):
        self.seed = seed
        self.verbose = verbose
        self.share = share
        self.number = 0
        self.counts = {PASS: 0, FAIL: 0, SKIP: 0}
        self.machine = Machine()

    def _one(self, case, kernel):
        if case.mode == "guest":
            return _run_in_guest(self.machine, case, kernel)
        # Two machines at once are too many for a small host.
        self._retire()
        if case.mode == "host":
            return _run_on_host(case, kernel)
        return _run_icount(case, kernel, self.seed)

    def _tried(self, case, kernel):
        try:
            return self._one(case, kernel)
        except BedError as err:
            where, slipped = self.machine.where(), self.machine.slipped()
            self.machine.drop(failed=True)
            return Outcome(FAIL, f"{err}\nlogs: {where}", "", slipped)

    def _take(self, case, kernel):
        """False: another run that shares these cases has begun it."""
        if not self.share:
            return True
        try:
            with open(os.path.join(self.share, f"{case.name}.{kernel}"), "x",
                      encoding="utf-8"):
                return True
        except FileExistsError:
            return False

    def run(self, case, kernel):
        """Run one case, again if only the emulator is to blame."""
        start = time.monotonic()
        outcome = self._tried(case, kernel)
        if outcome.code == FAIL and outcome.retry:
            print("# the emulator slipped: once more", flush=True)
            self.machine.drop(failed=False)
            outcome = self._tried(case, kernel)
        self._report(f"{case.name}.{kernel}", outcome,
                     time.monotonic() - start)

    def _report(self, name, outcome, seconds):
        self.number += 1
        self.counts[outcome.code] += 1
        if outcome.output and (self.verbose or outcome.code == FAIL):
            print(_indent(outcome.output))
        if outcome.why:
            print(_indent(outcome.why))
        word = "not ok" if outcome.code == FAIL else "ok"
        tail = f"# time {seconds:.1f} s"
        if outcome.code == SKIP:
            tail = "# SKIP " + _last_line(outcome.output)
        print(f"{word} {self.number} - {name} {tail}", flush=True)

    def _retire(self):
        """The shared guest is not needed any more: ask it for leaks."""
        kernel = self.machine.kernel
        if kernel == "debug" and self.machine.ran:
            start = time.monotonic()
            try:
                leaks = self.machine.leaks()
            except BedError as err:
                leaks = str(err)
            outcome = Outcome(FAIL if leaks else PASS, "", leaks)
            if leaks:
                outcome.why = "cases since boot: " + " ".join(
                    self.machine.ran)
            self._report("kmemleak.debug", outcome, time.monotonic() - start)
        self.machine.drop(failed=False)

    def all(self, cases, kernels):
        """Run them, grouped by machine; returns the exit code."""
        print("KTAP version 1")
        try:
            for kernel in kernels:
                mine = [one for one in cases if kernel in one.kernels]
                mine.sort(key=lambda one: (one.mode != "guest",
                                           str(one.spec(kernel)), one.name))
                for case in mine:
                    if self._take(case, kernel):
                        self.run(case, kernel)
                self._retire()
        finally:
            self.machine.drop(failed=False)
        print(f"1..{self.number}")
        print(f"{self.counts[PASS]} passed, {self.counts[FAIL]} failed, "
              f"{self.counts[SKIP]} skipped", flush=True)
        if self.counts[FAIL]:
            return FAIL
        return PASS if self.counts[PASS] or self.share else SKIP


def _indent(text):
    return "\n".join("# " + line for line in text.splitlines())


def _last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("# SKIP ") if lines else ""


def list_cases(cases):
    """Print what there is."""
    for case in cases:
        print(f"{case.name:28} {case.mode:6} {case.tier:5} "
              f"{'+'.join(case.kernels):13} {case.description}")
    if not cases:
        print(f"no cases match in {CASES}", file=sys.stderr)
