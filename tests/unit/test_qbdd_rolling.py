#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Daemons are stopped and started one after the other, as in an upgrade, while
commands are asked of all of them: each is done in the end, in order, and what
was answered is seen by whoever is asked next.
"""
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qbdd_world as base  # noqa: E402

ROUNDS = 2
OLD = os.environ.get("QBDD_OLD", "")
SLOWEST_S = 30  # for one command, with all its tries


class Load(threading.Thread):
    """One number after the other, each until somebody says that it is done."""

    def __init__(self, nodes):
        super().__init__()
        self.nodes = nodes
        self.ended = threading.Event()
        self.written = 0
        self.slowest = 0.0
        self.tries = 0
        self.wrong = []

    def number(self, node):
        """What one reads; None: it can not be asked now."""
        code, said, _ = node.ctl("node", "show", "n1")
        return None if code else int(said["rack"] or 0)

    def once(self, number):
        began = time.monotonic()
        while time.monotonic() - began < SLOWEST_S:
            self.tries += 1
            at = self.tries % len(self.nodes)
            code, _, _ = self.nodes[at].ctl("node", "label", "n1", "--rack",
                                            str(number))
            if not code:
                self.slowest = max(self.slowest, time.monotonic() - began)
                return True
        return False

    def run(self):
        while not self.ended.is_set() and not self.wrong:
            number = self.written + 1
            if not self.once(number):
                self.wrong.append(f"{number} was not done")
                break
            self.written = number
            read = self.number(self.nodes[number % len(self.nodes)])
            if read not in (None, number):
                self.wrong.append(f"{read} was read after {number}")


class Rolling(base.World):
    def level(self):
        return self.do(self.node[0], "cluster",
                       "show")["settings"]["feature-level"]

    def restart(self, node, load):
        before = load.written
        self.wait("the load goes on", lambda: load.wrong or
                  load.written >= before + 3)
        node.kill(signal.SIGTERM)
        self.assertEqual(0, node.daemon.returncode)
        node.start()
        # as who upgrades would: not the next one before this is back
        self.wait("it is back", lambda: load.wrong or (
            self.do(node, "cluster", "status")["leader_node"] and
            self.group(node).get(node.name) in ("voter", "leader")))

    def under_load(self, what):
        nodes = self.node[:3]
        load = Load(nodes)
        load.start()
        try:
            what(load)
        finally:
            load.ended.set()
            load.join()
        self.assertEqual([], load.wrong)
        print(f"# {load.written} commands, {load.tries} tries, the slowest "
              f"took {load.slowest:.1f} s")
        self.wait("all have the last one", lambda: {load.written} == {
            load.number(node) for node in nodes})

    def test_restarts(self):
        self.make(3)

        def restarts(load):
            for node in self.node[:3] * ROUNDS:
                self.restart(node, load)
        self.under_load(restarts)
        # all know all that there is: that is seen, and used
        self.wait("the newest level", lambda: self.level() == 2)
        # a node that was not heard may not know it
        code, _, err = self.node[0].ctl("cluster", "set", "feature-level",
                                        "--value", "3")
        self.assertEqual(1, code, err)


@base.unittest.skipUnless(os.access(OLD, os.X_OK),
                          "QBDD_OLD names no qbdd of level 1")
class Upgrade(Rolling):
    test_restarts = None

    def prepare(self, node):
        node.qbdd = OLD

    def test_upgrade(self):
        """From a qbdd of level 1: it rises when the last one is new."""
        self.make(3)

        def upgrade(load):
            for node in self.node[:3]:
                self.assertEqual(1, self.level())
                code, _, _ = self.node[0].ctl("cluster", "set", "feature-level",
                                              "--value", "2")
                self.assertEqual(1, code)
                node.qbdd = base.QBDD
                self.restart(node, load)
        self.under_load(upgrade)
        self.wait("the newest level", lambda: self.level() == 2)
        # the old one could not read the log any more: it is kept out
        fourth, token = self.node[3], self.do(
            self.node[0], "token", "create")["token"]
        # not every member knows a fresh token at once
        self.wait("it hears why", lambda: "version" in fourth.ctl(
            "cluster", "join", f"127.0.0.1:{self.node[0].port}",
            "--token", token)[2])


if __name__ == "__main__":
    sys.exit(base.ktap.main())
