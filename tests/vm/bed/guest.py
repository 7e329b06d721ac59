# SPDX-License-Identifier: GPL-2.0-only
"""One machine: QEMU, its file servers, its console and its agent.

A guest is described once and can be started many times; its disks and its
shared directory stay. start() returns at once, ready() waits for the agent,
so that several guests boot side by side.
"""
import os
import shlex
import shutil
import sys

from . import disk, qmp
from .console import Console, emulator_slip
from .link import GuestDied, JobTimeout, Link
from .proc import BedError, Child, Deadline, connect, scaled

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# All there is without KVM, but cmpxchg16b: QEMU 7.2 leaves an address in flags
# after it, until the next instruction that sets them. An interrupt just there
# stores that, with bits in it that no CPU has, or a nested task, of which the
# return from it dies. The kernel does with interrupts off what it did with it.
CPU = "max,-cx16"
_SERVERS = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")


def _virtiofsd(socket, source, cache):
    """Command line of the file server: QEMU 7's in C, later one in Rust."""
    for path in _SERVERS:
        if os.access(path, os.X_OK):
            break
    else:
        raise BedError("no virtiofsd: run scripts/setup")
    if path == _SERVERS[0]:
        return [path, f"--socket-path={socket}", "-o", f"source={source}",
                "-o", f"cache={cache}", "-o", "sandbox=chroot",
                "--rlimit-nofile=0", "-f"]
    return [path, f"--socket-path={socket}", f"--shared-dir={source}",
            f"--cache={'never' if cache == 'none' else cache}",
            "--sandbox=chroot", "--rlimit-nofile=0"]


# Twice: what is new at the first scan may be on its way to somewhere.
_LEAKS = """
f=/sys/kernel/debug/kmemleak
[ -e $f ] || exit 0
echo scan >$f; echo scan >$f
cat $f
"""
_CUT_TABLE = """
table inet bed {
	set cut { type ipv4_addr; }
	chain in {
		type filter hook input priority -300;
		ip saddr @cut drop
	}
}
"""


class Guest:
    """A machine of a bed. Created by Bed; number counts from 1."""

    def __init__(self, bed, number, spec):
        self.bed = bed
        self.number = number
        self.name = f"n{number}"
        self.ip = f"10.77.0.{number}"
        self.spec = spec
        self.console = Console(self._path("console"))
        self.link = None
        self.checked = 0       # console has been looked at up to here
        self._qemu = None
        self._servers = []
        self.disks = [disk.Disk(text, self._path(f"disk{at}"))
                      for at, text in enumerate(spec.disks)]

    def _path(self, what):
        return os.path.join(self.bed.dir, f"{self.name}.{what}")

    # -- life ------------------------------------------------------------

    def start(self):
        """Power on; ready() waits until it can be used."""
        if self.alive():
            raise BedError(f"{self.name} runs already")
        for one in self.disks:
            one.create()
        with open(self.console.path, "ab") as out:
            out.write(b"bed: power on\n")
        self._serve("root", "/", self.spec.cache)
        self._serve("share", self.bed.share, "none")
        self._qemu = Child(self._command_line(), self.bed.dir,
                           self._path("qemu.log"))
        self.bed.note_pids()
        # At once: what the agent says while nobody is connected is lost.
        sock = connect(self.bed.dirfd, f"{self.name}.agent", scaled(20),
                       self._qemu)
        self.link = Link(self.name, sock, self.bed.share)
        return self

    def _socket(self, tag):
        """Its name names virtiofsd's pid file, which all beds share."""
        return f"{self.bed.name}-{self.name}.{tag}.sock"

    def _serve(self, tag, source, cache):
        socket = self._socket(tag)
        path = os.path.join(self.bed.dir, socket)
        if os.path.exists(path):
            os.unlink(path)
        child = Child(_virtiofsd(socket, source, cache), self.bed.dir,
                      self._path(f"virtiofsd-{tag}.log"))
        self._servers.append(child)
        deadline = Deadline(scaled(20))
        while not os.path.exists(path):
            if not child.alive() or deadline.over():
                raise BedError(f"virtiofsd did not start (it needs root):\n"
                               f"{child.last_words()}")

    def _command_line(self):
        spec = self.spec
        memory, kernel = disk.qemu_args(self.disks, spec.mem, spec.cpus)
        args = ["qemu-system-x86_64", "-name", f"{self.bed.name}-{self.name}",
                "-accel", spec.accel, "-cpu", CPU, "-smp", str(spec.cpus),
                "-nodefaults", "-no-user-config", "-display", "none",
                "-no-reboot", *memory,
                "-chardev", f"file,id=con,path={self.name}.console,append=on",
                "-serial", "chardev:con"]
        for port in ("agent", "shell"):
            args += ["-chardev", f"socket,id={port},server=on,wait=off,"
                     f"path={self.name}.{port}", "-serial", f"chardev:{port}"]
        args += ["-qmp", f"unix:{self.name}.qmp,server=on,wait=off"]
        for tag, name in (("root", "rootfs"), ("share", "bedshare")):
            args += ["-chardev",
                     f"socket,id={tag},path={self._socket(tag)}",
                     "-device", f"vhost-user-fs-pci,chardev={tag},tag={name}"]
        if self.bed.port:
            args += ["-netdev", "socket,id=net0,localaddr=127.0.0.1,"
                     f"mcast=230.0.0.1:{self.bed.port}",
                     "-device", "virtio-net-pci,netdev=net0,id=nic0,"
                     f"mac=52:54:00:77:00:{self.number:02x}"]
            kernel.append(f"bed.ip={self.ip}")
        modules = ["virtio_blk"] * any(not d.pmem for d in self.disks)
        modules += ["virtio_net"] * bool(self.bed.port)
        modules += ["nd_e820", "nd_pmem"] * any(d.pmem for d in self.disks)
        line = ["console=ttyS0", "panic=-1", "mitigations=off",
                "root=rootfs", "rootfstype=virtiofs", "ro",
                # A busy host must not look like a broken clock: the kernel
                # would turn to one that takes an exit for each look.
                "rcupdate.rcu_cpu_stall_timeout=60", "tsc=nowatchdog",
                f"init={HERE}/init", f"bed.agent={HERE}/agent",
                f"bed.name={self.name}", f"bed.keep={self.bed.keep()}",
                *spec.kernel.args, *kernel, *spec.cmdline]
        if modules:
            line.append("bed.modules=" + ":".join(modules))
        return args + ["-kernel", spec.kernel.image,
                       "-append", " ".join(line)]

    def ready(self):
        """Wait until the agent answers.

        QEMU without KVM now and then delivers a breakpoint that another CPU
        has just patched away, and the kernel dies of it. Nothing of ours
        runs yet, so that boot is tried again, and said.
        """
        for _ in range(2):
            try:
                return self._ready()
            except GuestDied:
                if not emulator_slip(self.console.since(self.checked)):
                    raise
                print(f"# {self.name}: the emulator slipped while booting; "
                      "again", file=sys.stderr)
                self.crash()
                self.checked = self.console.mark()
                self.start()
        return self._ready()

    def _ready(self):
        deadline = Deadline(scaled(self.spec.kernel.boot_timeout))
        hello = None
        try:
            hello = self.link.greet(deadline)
        except GuestDied as err:
            raise GuestDied(self._epitaph("it ended while booting")) from err
        if hello is None:
            raise BedError(self._epitaph(
                f"not ready after {deadline.seconds:g} s"))
        return self

    def _epitaph(self, what):
        text = f"{self.name}: {what}"
        if self._qemu and not self._qemu.alive() and self._qemu.last_words():
            text += "\nQEMU said:\n" + self._qemu.last_words()
        return text + "\nend of its console:\n" + self.console.last_words()

    def alive(self):
        """True while the machine is on."""
        return self._qemu is not None and self._qemu.alive()

    def crash(self):
        """The machine stops, now, between two instructions."""
        if self._qemu:
            self._qemu.kill()
        for server in self._servers:
            server.kill()
        self._servers = []
        for tag in ("root", "share"):
            # What QEMU 7's virtiofsd would have removed.
            path = f"/run/virtiofsd/{self._socket(tag)}.pid"
            if os.path.exists(path):
                os.unlink(path)
        if self.link:
            self.link.close()
            self.link = None

    def restart(self):
        """Boot again, with the disks as they are."""
        self.crash()
        return self.start().ready()

    def power_off(self, timeout=30):
        """Sync and switch off."""
        self.run("sync", timeout=timeout)
        self.spawn("echo b >/proc/sysrq-trigger")
        deadline = Deadline(timeout)
        try:
            self.link.wait(lambda: False, deadline)
        except GuestDied:
            pass               # as it should
        self.crash()

    # -- the outside world --------------------------------------------------

    def qmp(self, execute, /, **arguments):
        """A command to QEMU's monitor."""
        return qmp.command(self.bed.dirfd, f"{self.name}.qmp", execute,
                           **arguments)

    def pause(self):
        """Stop its CPUs; its clock stands too."""
        self.qmp("stop")

    def resume(self):
        """Let it go on."""
        self.qmp("cont")

    def link_down(self):
        """Pull the network cable."""
        self.qmp("set_link", name="nic0", up=False)

    def link_up(self):
        """Plug it in again."""
        self.qmp("set_link", name="nic0", up=True)

    def cut_from(self, sender):
        """Drop what another guest sends to this one; not the other way."""
        self.run(["nft", "-f", "-"], stdin=_CUT_TABLE)
        self.run(["nft", "add", "element", "inet", "bed", "cut",
                  f"{{ {sender.ip} }}"])

    def heal(self):
        """Undo all cuts of this guest; those of others stay."""
        self.run("! nft list table inet bed >/dev/null 2>&1 || "
                 "nft delete table inet bed")

    def delay(self, time):
        """Delay what this guest sends, as tc says it; "0" undoes that."""
        if time == "0":
            self.run("tc qdisc del dev eth0 root")
        else:
            self.run("modprobe -q sch_netem; tc qdisc replace dev eth0 root "
                     f"netem delay {time} limit 100000")

    # -- commands -----------------------------------------------------------

    def spawn(self, command, cwd=None, env=None, sink=None):
        """Start a command (a string for bash, or a list); returns a Job."""
        if self.link is None:
            raise GuestDied(f"{self.name} is off")
        argv = command
        if isinstance(command, str):
            argv = ["bash", "-c", command]
        return self.link.start(argv, cwd or self.bed.cwd,
                               {**self.bed.env, "BED_NODE": self.name,
                                **(env or {})}, sink=sink)

    def run(self, command, timeout=60, check=True, stdin="", **kwargs):
        """Run a command to its end; returns a Result.

        A failing command is an error unless check is False.
        """
        try:
            job = self.spawn(command, **kwargs)
            if stdin:
                job.write(stdin.encode())
            job.close_input()
            result = job.wait(scaled(timeout))
        except GuestDied as err:
            raise GuestDied(self._epitaph("it ended")) from err
        if check and result.code:
            text = command if isinstance(command, str) else \
                shlex.join(command)
            raise BedError(f"{self.name}: exit code {result.code}: {text}\n"
                           f"{result.out}{result.err}")
        return result

    def wait_for(self, command, timeout=60):
        """Repeat a command until it succeeds; one round trip per try."""
        deadline = Deadline(scaled(timeout))
        while True:
            result = self.run(command, timeout=timeout, check=False)
            if result.code == 0:
                return result
            if deadline.over():
                raise JobTimeout(f"{self.name}: not true after {timeout:g} s:"
                                 f" {command}\n{result.out}{result.err}")

    def leaks(self):
        """What kmemleak reports; empty where the kernel has none."""
        return self.run(_LEAKS, timeout=300).out

    def put(self, source, target):
        """Copy a file of the host into the guest."""
        name = f".put-{self.name}-{os.path.basename(target)}"
        shutil.copy(source, os.path.join(self.bed.share, name))
        self.run(["cp", f"/run/bed/{name}", target])
        os.unlink(os.path.join(self.bed.share, name))

    def get(self, source, target):
        """Copy a file of the guest to the host."""
        name = f".get-{self.name}-{os.path.basename(source)}"
        self.run(["cp", source, f"/run/bed/{name}"])
        shutil.move(os.path.join(self.bed.share, name), target)

    def pids(self):
        """Process ids of what runs for it."""
        return [child.pid for child in [self._qemu, *self._servers]
                if child and child.alive()]
