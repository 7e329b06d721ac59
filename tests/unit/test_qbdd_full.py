#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The disk of a voter's state directory is full: it takes no part in decisions
and says so, the cluster goes on, and when there is room it comes back by itself.
Real daemons, each with a small file system of its own in a mount namespace.
"""
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qbdd_world as base  # noqa: E402

DISK_BYTES = 48 << 20
SEGMENT_BYTES = 4 << 20
CLONE_NEWNS = 0x20000
FULL = "the disk of the state directory is full"
CLIENTS, AT_ONCE = 8, 12


def own_mounts():
    """What is mounted from here on nobody else sees, and it ends with us."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        return False
    return not subprocess.run(["mount", "--make-rprivate", "/"], check=False,
                              capture_output=True).returncode


class Full(base.World):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not own_mounts():
            raise base.unittest.SkipTest("no mount namespace of its own")

    def state(self, node):
        return os.path.join(node.dir, "state")

    def prepare(self, node):
        subprocess.run(["mount", "-t", "tmpfs", "-o",
                        f"mode=0700,size={DISK_BYTES}", "qbd-test",
                        self.state(node)], check=True)
        self.addCleanup(subprocess.run, ["umount", self.state(node)],
                        check=True)

    def fill(self, node, leave=0):
        """A file that has all but so many bytes."""
        there = os.statvfs(self.state(node))
        with open(os.path.join(self.state(node), "filler"), "wb") as file:
            os.posix_fallocate(file.fileno(), 0,
                               there.f_bavail * there.f_bsize - leave)

    def room(self, node):
        os.unlink(os.path.join(self.state(node), "filler"))

    def problems(self, node):
        return [row["problem"] for row in
                self.do(node, "cluster", "status")["problems"]]

    def log(self, node):
        with open(os.path.join(node.dir, "log"), encoding="utf-8") as file:
            return file.read()

    def leader(self):
        led = self.wait("a leader", lambda: self.do(
            self.node[0], "cluster", "status")["leader_node"])
        return self.node[led - 1]

    def decide(self, node):
        self.do(node, "token", "create")

    def agree(self, nodes):
        def same():
            return len({self.do(node, "cluster", "status")["applied"]
                        for node in nodes}) == 1
        self.wait("all have all", same)

    def write(self, node, done):
        """Commands, as many at once as a client may have, until it is done."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(node.socket)
            sock.settimeout(base.PATIENCE_S)
            lines = sock.makefile("rwb")
            while not done.is_set():
                for at in range(AT_ONCE):
                    lines.write(json.dumps({
                        "id": at + 1, "verb": "node label",
                        "args": {"name": "n1", "zone": "z" * 31,
                                 "rack": "r" * 31, "host": "h" * 31}
                    }).encode() + b"\n")
                lines.flush()
                for _ in range(AT_ONCE):
                    if not lines.readline():
                        return

    def test_fills_up(self):
        """Who leads has no room for its next snapshot: it hands over."""
        self.make(3)
        old = self.leader()
        others = [node for node in self.node[:3] if node != old]
        self.fill(old)
        done = threading.Event()
        writers = [threading.Thread(target=self.write,
                                    args=(others[0], done))
                   for _ in range(CLIENTS)]
        for writer in writers:
            writer.start()
        try:
            self.wait("it says so", lambda: FULL in self.problems(old))
            self.wait("another one leads", lambda: self.do(
                others[0], "cluster", "status")["leader_node"] not in
                      (0, self.node.index(old) + 1))
        finally:
            done.set()
            for writer in writers:
                writer.join()
        self.assertIn("event=raft-disk-full", self.log(old))
        for other in others:
            self.decide(other)
        # asked there it is done too: by who leads
        self.decide(old)
        self.room(old)
        self.wait("it says no more", lambda: FULL not in self.problems(old))
        self.assertIn("event=raft-disk-room", self.log(old))
        self.agree(self.node[:3])
        # it votes and acknowledges: with it, and without another one
        others[1].kill()
        self.wait("decided", lambda: not old.ctl("token", "create")[0])
        self.agree([old, others[0]])

    def test_full_at_start(self):
        """It begins on a full disk, and is no majority with one other."""
        self.make(3)
        led = self.leader()
        node, third = (one for one in self.node[:3] if one != led)
        self.agree(self.node[:3])
        node.kill(signal.SIGTERM)
        # what it has made for later is made anew, but for one
        self.fill(node, SEGMENT_BYTES // 2)
        spares = [name for name in os.listdir(
            os.path.join(self.state(node), "raft"))
                  if name.startswith("spare-")]
        self.assertTrue(spares)
        self.fill_more(node, SEGMENT_BYTES)
        node.start()
        self.wait("it says so", lambda: FULL in self.problems(node))
        self.decide(led)
        third.kill()
        code, _, err = led.ctl("token", "create")
        self.assertEqual(1, code)
        self.assertRegex(err, "nobody leads|no answer in time")
        self.room(node)
        self.wait("it says no more", lambda: FULL not in self.problems(node))
        self.wait("decided", lambda: not led.ctl("token", "create")[0])
        self.agree([led, node])

    def fill_more(self, node, nr_bytes):
        """The room of a spare: gone, and taken by somebody else."""
        raft = os.path.join(self.state(node), "raft")
        spare = min(name for name in os.listdir(raft)
                    if name.startswith("spare-"))
        os.unlink(os.path.join(raft, spare))
        with open(os.path.join(self.state(node), "filler"), "ab") as file:
            os.posix_fallocate(file.fileno(), file.tell(), nr_bytes)


if __name__ == "__main__":
    sys.exit(base.ktap.main())
