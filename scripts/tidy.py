#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Project rules that no compiler checks, as a test.

Prints `file:line: rule: reason` for each broken rule and exits 1. Caps on the
size of files and functions may be exceeded only by what scripts/tidy.ratchet
lists (`rule path[:function] value`), and that file may only shrink: an entry
that is too generous, needless or new is an error too.

C is parsed lightly: kernel style puts the braces of a function into column
one, and that is enough. Files marked as auto-generated are left out.

usage: tidy.py [--root DIR] [--rules] [FILE]...
"""
import argparse
import collections
import os
import re
import subprocess
import sys

from tidy_c import CFile

Finding = collections.namedtuple("Finding", "path line rule reason")
RULES = []

CAP_FILE = {".c": 800, ".h": 300, ".py": 500, ".sh": 160}
CAP_SHELL_TEST = 300  # a list of cases
CAP_FILE_OWN = {"kmod/trace.h": 500, "kmod/tcp.c": 1200, "kmod/rdma.c": 1200,
                "kmod/rdma_cm.c": 1200,
                # formats: most of it is what the fields mean
                "uapi/linux/qbd_wal.h": 500, "uapi/linux/qbd_wire.h": 500}
CAP_FUNCTION = 70
CAP_NESTING = 3
CAP_PARAMETERS = 7

# Pure code, and how its unit tests are named.
CORES = {"kmod/core/": "test_", "daemon/raft/": "test_raft_",
         "daemon/state/": "test_state_"}
# What a core may include of another one.
CORE_FRIENDS = {"daemon/state/": {"raft/config.h"}}
CORE_BANNED = re.compile(
    r"\b(ktime_get\w*|jiffies\w*|\w+_clock|clock_gettime|gettimeofday"
    r"|(raw_)?spin_\w*lock\w*|mutex_\w+|rcu_\w+|down_(read|write)\w*"
    r"|k[mzvc]\w*alloc\w*|kv?free\w*|kmem_cache_\w+|vmalloc\w*|mempool_\w+"
    r"|alloc_page\w*|[mc]alloc|realloc|free|wait_event\w*|wake_up\w*"
    r"|schedule\w*|queue_work\w*|submit_bio\w*|get_random_\w+|pr_[a-z]+"
    r"|printk|fopen|printf|rand|getenv)\s*\(|__KERNEL__|\bjiffies\b"
    r"|\b(spinlock_t|struct (mutex|rw_semaphore|work_struct|bio|page))\b")
CORE_INCLUDE = re.compile(r"<linux/qbd\w*\.h>$")
# Freezing waits for the very requests that are suspended: del_gendisk() may.
KMOD_BANNED = re.compile(r"\b(printk|BUG|BUG_ON|panic|msleep|ssleep|mdelay"
                         r"|blk_mq_(un)?(freeze|quiesce)_queue\w*)\s*\(")
LOCK_FIELD = re.compile(r"\b(raw_)?spinlock_t\b|\brwlock_t\b|\bseqlock_t\b"
                        r"|\bstruct (mutex|rw_semaphore)\b(?!\s*\*)")
ASSERTION = re.compile(r"\s*(lockdep_assert\w*|\w+_assert_\w+|might_sleep"
                       r"|WARN_ON_ONCE|QBD_CORE_BUG|assert)\s*\(")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
MACHINE_PATH = re.compile(r"(?<![\w./$}])/(?:[w]ork|[r]oot|[h]ome)/\w")
SLEEP = {
    # "read -t" from what never says anything is one, too
    ".sh": re.compile(r"(^|[;&|({]|\bdo\b|\bthen\b)\s*"
                      r"(sleep\s|read\s(-\w+\s)*-t\b)"),
    ".py": re.compile(r"\btime\.sleep\s*\("),
    ".c": re.compile(r"\b(u|nano|m)?sleep\s*\("),
}


def rule(function):
    """Registers a rule: called with the tree, yields (path, line, reason)."""
    RULES.append(function)
    return function


class Tree:
    """The files under check, read once."""

    def __init__(self, root, names):
        self.root = root
        self.names = sorted(names)
        self.text = {}
        self.c = {}
        for name in self.names:
            try:
                with open(os.path.join(root, name), encoding="utf-8") as file:
                    text = file.read()
            except (UnicodeDecodeError, FileNotFoundError,
                    IsADirectoryError):
                continue
            if re.search(r"auto-generated|DO NOT EDIT", text[:800]):
                continue
            self.text[name] = text
            if name.endswith((".c", ".h")):
                self.c[name] = CFile(name, text)

    def kind(self, name):
        """The suffix that says how a file is read; .sh for any shell."""
        suffix = os.path.splitext(name)[1]
        first = self.text[name].split("\n", 1)[0]
        if re.match(r"#!.*\b(ba)?sh\b", first):
            return ".sh"
        if re.match(r"#!.*\bpython3?\b", first):
            return ".py"
        return suffix

    def c_in(self, *tops, suffixes=(".c", ".h")):
        """The C files below the given directories."""
        return [file for name, file in self.c.items()
                if name.startswith(tops) and name.endswith(suffixes)]


# --- sizes; these go through the ratchet ---------------------------------

def sizes(tree):
    """All that exceeds a cap: (rule, key, path, line, value, cap)."""
    for name, text in tree.text.items():
        cap = CAP_FILE_OWN.get(name, CAP_FILE.get(tree.kind(name)))
        if name.startswith("tests/") and tree.kind(name) == ".sh":
            cap = CAP_SHELL_TEST
        lines = text.count("\n")
        if cap and lines > cap:
            yield "file-size", name, name, 1, lines, cap
    for name, file in tree.c.items():
        for func in file.functions():
            for which, value, cap in (
                    ("function-size", func.lines, CAP_FUNCTION),
                    ("nesting", func.nesting, CAP_NESTING),
                    ("parameters", func.parameters, CAP_PARAMETERS)):
                if value > cap:
                    yield (which, f"{name}:{func.name}", name, func.line,
                           value, cap)


def read_ratchet(text):
    """{(rule, key): value} of a ratchet file's text."""
    entries = {}
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if len(words) == 3:
            entries[words[0], words[1]] = int(words[2])
    return entries


def check_sizes(tree, ratchet, before):
    """Caps, and the ratchet that may only shrink."""
    path = "scripts/tidy.ratchet"
    used = set()
    for which, key, name, line, value, cap in sizes(tree):
        allowed = ratchet.get((which, key), cap)
        used.add((which, key))
        if value > allowed:
            yield Finding(name, line, which,
                          f"{key.split(':')[-1]} has {value}, allowed "
                          f"{allowed}")
        elif value < allowed:
            yield Finding(path, 1, "ratchet",
                          f"{which} {key} can be lowered to {value}")
    for which, key in sorted(ratchet):
        if (which, key) not in used:
            yield Finding(path, 1, "ratchet", f"{which} {key} is needless")
        if before is not None and ratchet[which, key] > before.get(
                (which, key), 0):
            yield Finding(path, 1, "ratchet",
                          f"{which} {key} is new or has grown")


def first_line(lines):
    """Index of the line behind `#!` and a directive for shellcheck."""
    at = 1 if lines[0].startswith("#!") else 0
    return at + (len(lines) > at and lines[at].startswith("# shellcheck "))


# --- every file -----------------------------------------------------------

@rule
def spdx(tree):
    """SPDX-License-Identifier on line 1 (2 below #!)."""
    for name, text in tree.text.items():
        base = os.path.basename(name)
        known = (base in ("Makefile", "Kbuild", "run") or
                 tree.kind(name) in (".c", ".h", ".py", ".sh", ".mk", ".yaml",
                                     ".cocci", ".rules"))
        lines = text.split("\n", 3)
        at = first_line(lines)
        if known and text and "SPDX-License-Identifier: " not in (
                lines[at] if at < len(lines) else ""):
            yield name, at + 1, "no SPDX-License-Identifier"


@rule
def header_comment(tree):
    """The second line opens a comment: job, limits, context, locks."""
    opens = {".c": "/*", ".h": "/*", ".sh": "#", ".py": ('"""', 'r"""', "#")}
    for name, text in tree.text.items():
        lines = text.split("\n")
        at = first_line(lines) + 1
        want = opens.get(tree.kind(name))
        if want and text.strip() and not (
                len(lines) > at and lines[at].startswith(want)):
            yield name, at + 1, "no file header comment"


@rule
def unfinished(tree):
    """No marks of unfinished work."""
    for name, text in tree.text.items():
        for number, line in enumerate(text.split("\n"), 1):
            if UNFINISHED.search(line):
                yield name, number, "mark of unfinished work"


@rule
def machine_path(tree):
    """No absolute path of one machine; only .ci/run knows its neighbours."""
    for name, text in tree.text.items():
        for number, line in enumerate(text.split("\n"), 1):
            if MACHINE_PATH.search(line):
                yield name, number, "absolute path of one machine"
            if "../sha" "red" in line and name != ".ci/run":
                yield name, number, "names a directory beside the clone"


# --- the cores: of the data path, and of consensus --------------------------

@rule
def core_include(tree):
    """A core includes env.h and its own headers; kmod/core <linux/qbd_*.h>."""
    for top in CORES:
        own = {os.path.basename(name) for name in tree.c
               if name.startswith(top)} | {"env.h"}
        own |= CORE_FRIENDS.get(top, set())
        for file in tree.c_in(top):
            if file.name == top + "env.h":
                continue
            for number, what in file.includes():
                if what.strip('"') not in own and not (
                        top == "kmod/core/" and CORE_INCLUDE.match(what)):
                    yield file.name, number, f"core may not include {what}"


@rule
def core_pure(tree):
    """No clocks, locks, I/O or allocation in a core."""
    for file in tree.c_in(*CORES):
        for number, line in enumerate(file.code.split("\n"), 1):
            found = CORE_BANNED.search(line)
            if found and not line.startswith("#include"):
                yield (file.name, number,
                       f"core is pure: no {found.group().strip(' (')}")


@rule
def core_test(tree):
    """core/X.c has tests/unit/test_X.c, raft/X.c has test_raft_X.c."""
    for top, prefix in CORES.items():
        for file in tree.c_in(top, suffixes=(".c",)):
            test = f"tests/unit/{prefix}{os.path.basename(file.name)}"
            if test not in tree.text:
                yield file.name, 1, f"no {test}"


@rule
def core_mutant(tree):
    """Each planted bug stands in a table of tests/sim/mutants_*.sh."""
    listed = set()
    for name, text in tree.text.items():
        if name.startswith("tests/sim/mutants_"):
            listed.update(re.findall(r"^\t+\[?(\w+)", text, re.MULTILINE))
    for file in tree.c_in(*CORES, suffixes=(".c",)):
        text = tree.text[file.name]
        for found in re.finditer(r"\bQBD_MUTANT\((\w+)\)", text):
            if found.group(1) not in listed:
                yield (file.name, text.count("\n", 0, found.start()) + 1,
                       f"no table of tests/sim has {found.group(1)}")


# --- the kernel shell -----------------------------------------------------

@rule
def field_tag(tree):
    """[tag] on each field of a struct that holds a lock."""
    for file in tree.c_in("kmod/"):
        for struct in file.structs():
            if not any(LOCK_FIELD.search(f.text) for f in struct.fields):
                continue
            for field in struct.fields:
                if LOCK_FIELD.search(field.text) or re.search(
                        r"\[[^\]\d][^\]]*\]", field.comment):
                    continue
                yield (file.name, field.line, f"struct {struct.name} has a "
                       f"lock: {field.name} needs its [tag]")


@rule
def locked_asserts(tree):
    """__qbd_*() = caller holds the lock: it asserts so first."""
    for file in tree.c_in("kmod/"):
        for func in file.functions():
            if not func.name.startswith("__qbd_"):
                continue
            blocks = func.body.strip("\n").split("\n\n", 1)
            if not any(ASSERTION.match(block) for block in blocks):
                yield (file.name, func.line,
                       f"{func.name}() does not start with an assertion")


@rule
def kmod_banned(tree):
    """No printk(), BUG(), msleep(), queue freezing in the module."""
    for file in tree.c_in("kmod/"):
        for number, line in enumerate(file.code.split("\n"), 1):
            found = KMOD_BANNED.search(line)
            if found:
                yield (file.name, number,
                       f"no {found.group(1)}() in the module")


@rule
def kernel_version(tree):
    """LINUX_VERSION_CODE lives in compat.h."""
    for file in tree.c_in(""):
        if os.path.basename(file.name) == "compat.h":
            continue
        for number, line in enumerate(file.code.split("\n"), 1):
            if "LINUX_VERSION" "_CODE" in line:
                yield file.name, number, "kernel version outside compat.h"


@rule
def names(tree):
    """qbd_<noun>_<verb>: unique in kallsyms, ftrace and BPF."""
    for file in tree.c_in("kmod/", suffixes=(".c",)):
        for func in file.functions():
            if not re.match(r"(__)?qbd_", func.name):
                yield (file.name, func.line,
                       f"{func.name}() is not named qbd_<noun>_<verb>")


@rule
def no_inline(tree):
    """No inline in .c files, no typedef'd structs."""
    for file in tree.c_in("kmod/", "daemon/"):
        for number, line in enumerate(file.code.split("\n"), 1):
            if file.name.endswith(".c") and re.search(r"\binline\b", line):
                yield file.name, number, "inline in a .c file"
            if re.match(r"typedef (struct|union|enum)\b[^(]*$", line):
                yield file.name, number, "typedef'd struct"


@rule
def dead_file(tree):
    """Each .c of a module is built by its Kbuild."""
    for top in ("kmod/", "tests/testdisk/"):
        kbuild = tree.text.get(top + "Kbuild")
        if kbuild is None or "wildcard" in kbuild:
            continue
        for file in tree.c_in(top, suffixes=(".c",)):
            if not re.search(rf"(?<![\w/]){file.name[len(top):-2]}\.o\b",
                             kbuild):
                yield file.name, 1, f"not built by {top}Kbuild"


# --- tests ----------------------------------------------------------------

@rule
def vm_description(tree):
    """Each case says what it shows."""
    for name, text in tree.text.items():
        if (re.match(r"tests/vm/cases/[^/]*\d[^/]*$", name) and
                not re.search(r"^DESCRIPTION\s*=", text, re.M)):
            yield name, 1, "case without DESCRIPTION="


def in_wait_loop(lines, at):
    """Is the line inside of a while or until, as its indentation says?"""
    def indent(line):
        return len(line) - len(line.lstrip())
    deep = indent(lines[at])
    for line in reversed(lines[max(0, at - 30):at]):
        if line.strip() and indent(line) < deep:
            deep = indent(line)
            if re.match(r"\s*(\} )?(while|until|for \(;;\)|do \{)\b", line):
                return True
    return False


@rule
def bare_sleep(tree):
    """Tests wait for conditions: a pause belongs into a while or until.

    Where the time itself is what it is about, a comment above says "pause:".
    """
    for name, text in tree.text.items():
        kind = tree.kind(name)
        if not name.startswith("tests/") or kind not in SLEEP:
            continue
        code = tree.c[name].code if name in tree.c else text
        lines = code.split("\n")
        for at, line in enumerate(lines):
            if (SLEEP[kind].search(line) and
                    not line.lstrip().startswith("#") and
                    "# pause: " not in lines[at - 1] and
                    not in_wait_loop(lines, at)):
                yield name, at + 1, "sleep in a test: wait for a condition"


@rule
def looks_once(tree):
    """A test command of wait_until is looked at again and again; what its
    arguments are made of, only once."""
    for name, text in tree.text.items():
        for at, line in enumerate(text.split("\n")):
            if (name.startswith("tests/vm/") and
                    re.search(r"\bwait_until \d+ test .*\$\(", line)):
                yield name, at + 1, "wait_until looks at this once: a function"


# --- running --------------------------------------------------------------

def run_rules(tree):
    """All findings of the plain rules."""
    for function in RULES:
        name = function.__name__.replace("_", "-")
        for path, line, reason in function(tree):
            yield Finding(path, line, name, reason)


def git(root, *args):
    """Output of a git command, None if it fails."""
    done = subprocess.run(["git", "-C", root, *args], text=True, check=False,
                          capture_output=True)
    return done.stdout if done.returncode == 0 else None


def main():
    """Check the tree; files named on the command line limit the output."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--root", default=os.path.dirname(
        os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--rules", action="store_true", help="list the rules")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    if args.rules:
        for function in RULES:
            print(f"{function.__name__.replace('_', '-'):16}"
                  f"{function.__doc__}")
        return 0
    names = git(args.root, "ls-files", "--cached", "--others",
                "--exclude-standard")
    if names is None:
        sys.exit("tidy.py: not a git repository: " + args.root)
    tree = Tree(args.root, names.split("\n"))
    ratchet = tree.text.get("scripts/tidy.ratchet", "")
    before = git(args.root, "show", "HEAD:scripts/tidy.ratchet")
    findings = list(check_sizes(
        tree, read_ratchet(ratchet),
        None if before is None else read_ratchet(before)))
    findings += run_rules(tree)
    if args.files:
        findings = [f for f in findings if f.path in args.files]
    for finding in sorted(findings):
        print("{}:{}: {}: {}".format(*finding))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
