# SPDX-License-Identifier: GPL-2.0-only
"""Cases in virtual time: one guest under -icount, everything inside it.

One instruction is one virtual nanosecond and idle time costs nothing, so a
run depends on its seed and on nothing of the host; two runs with one seed
print the same. That holds only without devices on the host's clock: no
virtiofs, no virtio-blk, no network card; the initramfs brings what the case
needs, and the case talks over the console.
"""
import glob
import os
import re
import shlex
import shutil
import subprocess

from .bed import BEDS, TOP, guest_env
from .cases import Case
from .console import Console, scan
from .guest import CPU, HERE
from .kernel import Kernel
from .proc import BedError, Child, scaled

DEFAULT_SEED = 42
# What lib.sh and most cases use; the rest is busybox's.
_PROGRAMS = ("bash", "ip", "tc", "nft", "ping", "grep", "sed", "dd", "head",
             "tail", "sort", "tr", "stat", "od", "dmesg", "timeout")
_MODULES = ("veth", "bridge", "sch_netem", "nf_tables")
_STAMP = re.compile(r"^\[ *\d+\.\d{6}\]")


class Result:
    """What a run in virtual time gave."""

    def __init__(self, code, output, why, where):
        self.code = code
        self.output = output
        self.why = why
        self.where = where     # its logs, if it failed


def _files(case, env):
    """What goes into the initramfs beside programs, as SOURCE:TARGET."""
    vm = os.path.join(TOP, "tests", "vm")
    pairs = [(path, "/qbd/tests/vm/" + os.path.relpath(path, vm))
             for path in sorted(glob.glob(vm + "/*.sh"))]
    pairs.append((case.path, f"/qbd/tests/vm/cases/{case.name}.sh"))
    build = env["QBD_BUILD"]
    for path in sorted(glob.glob(build + "/**/*.ko", recursive=True)):
        pairs.append((path, "/qbd/build/" + os.path.relpath(path, build)))
    for path in case.words("FILES"):
        source, _, target = path.partition(":")
        pairs.append((os.path.join(TOP, source), target or "/qbd/" + source))
    return [f"{source}:{target}" for source, target in pairs]


def run_command(argv, kernel_name, seed, timeout, options):
    """Run one command in virtual time; options are header lines."""
    where = os.path.join(BEDS, f"bed-icount-{os.getpid()}")
    os.makedirs(where, exist_ok=True)
    path = os.path.join(where, "000_command.sh")
    with open(path, "w", encoding="utf-8") as out:
        loads = "".join(f"modprobe {name}\n"
                        for name in options["MODULES"].split())
        out.write('DESCRIPTION="a command"\n# MODE=icount\n' +
                  f"# TIMEOUT={int(timeout)}\n" +
                  "".join(f'# {key}="{value}"\n'
                          for key, value in options.items()) +
                  f"set -e\n{loads}{shlex.join(argv)}\n")
    try:
        return run(Case(path), kernel_name, seed)
    finally:
        shutil.rmtree(where, ignore_errors=True)


def _user_programs(env):
    """Programs of qbd; they find their way to /qbd/user as links."""
    return [path for path in sorted(glob.glob(env["QBD_USER"] + "/*"))
            if os.path.isfile(path) and os.access(path, os.X_OK)]


def make_initrd(case, kernel, where):
    """Build the initramfs of a case; returns its path."""
    env = guest_env(kernel.name)
    output = os.path.join(where, "initrd.gz")
    argv = [os.path.join(HERE, "mkinitrd"), "--output", output,
            "--init", os.path.join(HERE, "init.icount")]
    modules = []
    if kernel.has_modules():
        argv += ["--release", kernel.release]
        modules = [*_MODULES, *case.words("MODULES")]
    for name in modules:
        argv += ["--module", name]
    for name in (*_PROGRAMS, *case.words("PROGRAMS")):
        argv += ["--program", name]
    for path in _user_programs(env):
        argv += ["--program", path, "--file",
                 f"{path}:/qbd/user/{os.path.basename(path)}"]
    for pair in _files(case, env):
        argv += ["--file", pair]
    done = subprocess.run(argv, capture_output=True, text=True, check=False,
                          timeout=scaled(300))
    if done.returncode:
        raise BedError("mkinitrd: " + done.stderr)
    return output


def command_line(case, kernel, initrd, seed):
    """QEMU for virtual time; every part of it is a measured choice."""
    line = ["console=ttyS0", "quiet", "panic=-1", "nokaslr",
            "mitigations=off", "norandmaps", f"bed.seed={seed}",
            f"bed.kernel={kernel.name}", f"bed.case={case.name}",
            *kernel.args, *case.words("CMDLINE")]
    if os.environ.get("QBD_OPS"):
        line.append("bed.ops=" + os.environ["QBD_OPS"])
    mem = case.values["MEM"]
    return ["qemu-system-x86_64", "-machine", "q35",
            # A copy counts one per eight bytes without these two.
            "-cpu", CPU + ",-erms,-fsrm", "-accel", "tcg",
            "-smp", case.values["CPUS"],
            "-m", "1200" if mem == "1G" else mem,
            "-icount", "shift=0,sleep=off",
            "-rtc", "base=2024-01-01T00:00:00,clock=vm",
            "-seed", str(seed), "-nodefaults", "-no-user-config",
            "-display", "none", "-no-reboot",
            "-chardev", "file,id=con,path=n1.console",
            "-serial", "chardev:con",
            "-chardev", "file,id=log,path=n1.dmesg", "-serial", "chardev:log",
            "-kernel", kernel.image, "-initrd", initrd,
            "-append", " ".join(line)]


def _own_lines(text):
    """The case's own lines on a console, and its exit code or None."""
    text = text.replace("\r", "")
    begin = re.search(r"^bed: case .*\n", text, re.M)
    end = re.search(r"^bed: exit (\d+)$", text, re.M)
    body = text[begin.end() if begin else 0:end.start() if end else None]
    lines = [line for line in body.splitlines() if not _STAMP.match(line)]
    return "\n".join(lines), int(end[1]) if end else None


def _boot(case, kernel, parts, where, limit):
    """Run the machine to its end; returns (code, output, why)."""
    console = Console(os.path.join(where, "n1.console"))
    dmesg = Console(os.path.join(where, "n1.dmesg"))
    child = Child(command_line(case, kernel, *parts), where,
                  os.path.join(where, "n1.qemu.log"))
    try:
        ended = child.wait(limit) is not None
    finally:
        child.kill()
    output, code = _own_lines(console.since(0))
    if code is None:
        why = "the machine ended" if ended else f"not done after {limit:g} s"
        return 1, "", "\n".join([why, child.last_words(), "its console:",
                                 console.last_words(40)])
    found = scan(dmesg.since(0), case.allow)
    why = "\n".join(["the kernel complained:"] + found[0].context) \
        if found else ""
    return code, output, why


def run(case, kernel_name, seed=None):
    """Run a case in virtual time, as often as its REPEAT says."""
    kernel = Kernel(kernel_name)
    seed = DEFAULT_SEED if seed is None else seed
    where = os.path.join(BEDS, f"bed-icount-{os.getpid()}-{case.name}")
    os.makedirs(where, exist_ok=True)
    initrd = make_initrd(case, kernel, where)
    limit = scaled(case.timeout(kernel_name))
    outputs = []
    for _ in range(int(case.values["REPEAT"])):
        code, output, why = _boot(case, kernel, (initrd, seed), where,
                                  limit)
        outputs.append(output)
        if output != outputs[0]:
            why = f"seed {seed} gave another output the second time:\n" + \
                output
        if why or code:
            break
    if not why and code in (0, 4):
        shutil.rmtree(where, ignore_errors=True)
    return Result(code, outputs[0], why, where)
