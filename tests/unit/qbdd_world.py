# SPDX-License-Identifier: GPL-2.0-only
"""Real daemons on loopback, each with a port, a state directory and a socket of
its own, and a cluster of some of them.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
import ktap  # noqa: E402, F401  # pylint: disable=unused-import

QBDCTL = os.environ.get("QBDCTL", os.path.join(TOP, "build/user/qbdctl"))
QBDD = os.environ.get("QBDD", os.path.join(TOP, "build/user/qbdd"))
DISK = os.environ.get("QBDDISK", os.path.join(TOP, "build/tests/qbddisk.so"))
PATIENCE_S = 60


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Node:
    def __init__(self, top, number):
        self.name = f"n{number}"
        self.dir = os.path.join(top, self.name)
        self.port = free_port()
        self.socket = os.path.join(self.dir, "qbdd.sock")
        self.daemon = None
        self.env = {}
        self.qbdd = QBDD
        os.makedirs(os.path.join(self.dir, "state"), mode=0o700)
        with open(os.path.join(self.dir, "conf"), "w",
                  encoding="utf-8") as file:
            file.write(f"[node]\nname = {self.name}\n"
                       f"[control]\nlisten = 127.0.0.1\nport = {self.port}\n"
                       "[data]\naddresses = 127.0.0.1\n"
                       f"[daemon]\nstate-dir = {self.dir}/state\n"
                       f"socket = {self.socket}\n")

    def start(self):
        notify = os.path.join(self.dir, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, \
                open(os.path.join(self.dir, "log"), "ab") as log:
            if os.path.exists(notify):
                os.unlink(notify)
            sock.bind(notify)
            sock.settimeout(PATIENCE_S)
            self.daemon = subprocess.Popen(
                [self.qbdd, "--config", os.path.join(self.dir, "conf")],
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": notify, **self.env})
            while "READY=1\n" not in sock.recv(4096).decode():
                pass

    def on_disk(self):
        """Witness its files from its next start on: see preload/disk.c."""
        self.env = {"LD_PRELOAD": DISK,
                    "QBD_DISK_DIR": os.path.join(self.dir, "state"),
                    "QBD_DISK_LOG": os.path.join(self.dir, "disk"),
                    "QBD_DISK_MS": os.path.join(self.dir, "disk-ms")}

    def slow_disk(self, sync_ms):
        with open(self.env["QBD_DISK_MS"], "w", encoding="utf-8") as file:
            file.write(str(sync_ms))

    def disk_calls(self):
        """Of its life: thread, what, on which file of the state."""
        with open(self.env["QBD_DISK_LOG"], encoding="utf-8") as file:
            lines = file.read().split("\n")[:-1]
        skip = len(self.env["QBD_DISK_DIR"]) + 1
        return [(thread, call, path[skip:]) for thread, call, path in
                (line.split(" ", 2) for line in lines)]

    def kill(self, how=signal.SIGKILL):
        self.daemon.send_signal(how)
        self.daemon.wait(PATIENCE_S)

    def ctl(self, *words):
        done = subprocess.run(
            [QBDCTL, *words, "--json"], text=True, capture_output=True,
            check=False, timeout=120,
            env={**os.environ, "QBD_SOCKET": self.socket})
        said = json.loads(done.stdout) if done.stdout.strip() else None
        return done.returncode, said, done.stderr


@unittest.skipUnless(os.access(QBDCTL, os.X_OK) and os.access(QBDD, os.X_OK),
                     "not built")
@unittest.skipUnless(os.geteuid() == 0, "only root may ask the daemon")
class World(unittest.TestCase):
    """Four daemons that run; whoever has tests is made of it."""
    witness = False

    def setUp(self):
        where = tempfile.TemporaryDirectory()
        self.addCleanup(where.cleanup)
        self.node = [Node(where.name, i + 1) for i in range(4)]
        for node in self.node:
            if self.witness:
                node.on_disk()
            self.prepare(node)
            node.start()
            self.addCleanup(self.end, node)

    def prepare(self, node):
        """Before its daemon is started for the first time."""

    def end(self, node):
        if node.daemon.poll() is None:
            node.kill()

    def wait(self, what, condition):
        until = time.monotonic() + PATIENCE_S
        while True:
            found = condition()
            if found:
                return found
            self.assertLess(time.monotonic(), until, what)
            time.sleep(0.05)

    def do(self, node, *words):
        code, said, err = node.ctl(*words)
        self.assertEqual((0, ""), (code, err), words)
        return said

    def group(self, node):
        """Roles by name, as who leads sees them."""
        code, said, _ = node.ctl("node", "list")
        if code:
            return {}
        return {row["name"]: row["group"] for row in said["nodes"]}

    def make(self, nr):
        first = self.node[0]
        self.do(first, "cluster", "init", "test")
        token = self.do(first, "token", "create", "--uses", str(nr))["token"]
        for node in self.node[1:nr]:
            self.do(node, "cluster", "join", f"127.0.0.1:{first.port}",
                    "--token", token)
        self.wait("three members", lambda: sorted(
            self.group(first).values())[-3:] == ["leader", "voter", "voter"])
        # between two sets of voters the loss of one may stop it
        self.wait("the voters have agreed", lambda: not self.do(
            first, "cluster", "status")["changing"])
        return token
