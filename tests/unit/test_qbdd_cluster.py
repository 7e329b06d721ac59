#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Three real daemons: a cluster is made, two nodes join it, who leads is killed.

All on loopback, each with a port, a state directory and a socket of its own.
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
import ktap  # noqa: E402

QBDCTL = os.environ.get("QBDCTL", os.path.join(TOP, "build/user/qbdctl"))
QBDD = os.environ.get("QBDD", os.path.join(TOP, "build/user/qbdd"))
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
                [QBDD, "--config", os.path.join(self.dir, "conf")],
                stderr=log, env={**os.environ, "NOTIFY_SOCKET": notify})
            while "READY=1\n" not in sock.recv(4096).decode():
                pass

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
class Cluster(unittest.TestCase):
    def setUp(self):
        where = tempfile.TemporaryDirectory()
        self.addCleanup(where.cleanup)
        self.node = [Node(where.name, i + 1) for i in range(4)]
        for node in self.node:
            node.start()
            self.addCleanup(self.end, node)

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
        return token

    def test_leader_killed(self):
        token = self.make(3)
        first, other = self.node[0], self.node[1]
        code, _, err = self.node[3].ctl(
            "cluster", "join", f"127.0.0.1:{other.port}", "--token",
            token[:-1] + ("0" if token[-1] != "0" else "1"))
        self.assertEqual(1, code)
        self.assertIn("mistyped", err)
        first.kill()
        fresh = self.do(other, "token", "create")["token"]
        self.assertIn("leader", [self.group(other)[name]
                                 for name in ("n2", "n3")])
        said = self.do(other, "cluster", "status")
        self.wait("a problem", lambda: any(
            "not heard" in row["problem"] for row in
            self.do(other, "cluster", "status")["problems"]))
        self.assertIn(said["leader"], ("n2", "n3"))
        first.start()
        self.wait("it follows", lambda: self.do(
            first, "cluster", "status")["leader"] in ("n2", "n3"))
        self.do(self.node[3], "cluster", "join", f"127.0.0.1:{other.port}",
                "--token", fresh)
        # it is no member, and asks who leads
        self.wait("four nodes", lambda: len(self.group(self.node[3])) == 4)

    def test_all_killed(self):
        self.make(3)
        for node in self.node[:3]:
            node.kill()
        for node in self.node[:3]:
            node.start()
        self.wait("the same cluster", lambda: len(
            self.group(self.node[2])) == 3)
        # without a majority nothing is decided, and that is said
        self.node[0].kill()
        self.node[1].kill()
        self.wait("nobody leads", lambda: any(
            "nobody leads" in row["problem"] for row in self.do(
                self.node[2], "cluster", "status")["problems"]))
        code, _, err = self.node[2].ctl("token", "create")
        self.assertEqual(1, code)
        self.assertRegex(err, "nobody leads|no answer in time")

    def test_removed(self):
        self.make(3)
        gone = self.node[2]
        self.do(self.node[1], "node", "label", "n3", "--votes", "never")
        self.wait("no member", lambda: self.group(
            self.node[0]).get("n3") == "-")
        self.do(self.node[1], "node", "remove", "n3")
        self.assertEqual(["n1", "n2"], sorted(self.group(self.node[0])))
        code, _, err = self.node[0].ctl("node", "show", "n3")
        self.assertEqual(1, code)
        self.assertIn("there is no node n3", err)
        self.wait("it is refused", lambda: any(
            "was removed" in row["do"] for row in self.do(
                gone, "cluster", "status")["problems"]))
        gone.kill(signal.SIGTERM)
        self.assertEqual(0, gone.daemon.returncode)

    def test_volumes(self):
        """Without stores nothing can be made, and that is said."""
        self.make(3)
        node = self.node[1]
        for noun, rows in (("store", "stores"), ("volume", "volumes"),
                           ("job", "jobs")):
            self.assertEqual({rows: []}, self.do(node, noun, "list"))
        for want, words in (
                ("no store that may be used has room",
                 ("volume", "create", "db", "--size", "1G")),
                ("a power of two",
                 ("volume", "create", "db", "--size", "1G", "--shard-size",
                  "100M")),
                ("there is no volume db", ("volume", "show", "db")),
                ("there is no volume db", ("volume", "attach", "db")),
                ("there is no volume db", ("volume", "detach", "db")),
                ("there is no volume db",
                 ("volume", "set", "db", "--reads", "quorum")),
                ("there is no store 7", ("store", "remove", "7"))):
            code, said, err = node.ctl(*words)
            self.assertEqual((1, None), (code, said), words)
            self.assertIn(want, err)
        code, _, err = node.ctl("volume", "set", "db", "--reads", "maybe")
        self.assertEqual(2, code)
        self.assertIn("lease|quorum", err)


if __name__ == "__main__":
    sys.exit(ktap.main())
