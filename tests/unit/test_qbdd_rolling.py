#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Daemons are stopped and started one after the other, as in an upgrade, while
commands are asked of all of them: each is done in the end, in order, and what
was answered is seen by whoever is asked next. And so from a version to the next
one, and back while not all of them have it.
"""
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qbdd_world as base  # noqa: E402

ROUNDS = 2
OLD = os.environ.get("QBDD_OLD", os.path.join(
    base.TOP, "build/tests/qbdd-level1"))
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


@base.unittest.skipUnless(os.access(OLD, os.X_OK), "not built")
class Upgrade(Rolling):
    test_restarts = None

    def prepare(self, node):
        node.qbdd = OLD

    def set_level(self, to, *words):
        return self.node[0].ctl("cluster", "set", "feature-level",
                                "--value", str(to), *words)

    def becomes(self, qbdd, node, load):
        """By another version, while not all have the newer one."""
        self.assertEqual(1, self.level())
        node.qbdd = qbdd
        self.restart(node, load)
        self.assertEqual(1, self.level())

    def problem(self, node, text):
        self.wait(text, lambda: any(
            text in row["problem"] for row in
            self.do(node, "cluster", "status")["problems"]))

    def test_upgrade(self):
        """From a qbdd of level 1: it rises when the last one is new."""
        self.make(3)
        first, second, third = self.node[:3]

        def upgrade(load):
            self.becomes(base.QBDD, first, load)
            code, _, err = self.set_level(2)
            self.assertEqual(1, code)
            # whoever leads, and whether it knows of levels, or not
            self.assertRegex(err, "is too old|is not there|can not be 2|"
                             "has not applied")
            # nothing is in use yet that the old one does not know
            self.becomes(OLD, first, load)
            self.becomes(base.QBDD, first, load)
            self.becomes(base.QBDD, second, load)
            third.qbdd = base.QBDD
            self.restart(third, load)
        self.under_load(upgrade)
        self.wait("the newest level", lambda: self.level() == 2)
        code, _, err = self.set_level(1)
        self.assertEqual(1, code)
        # the old one could not read the log any more: it is kept out
        fourth, token = self.node[3], self.do(
            first, "token", "create")["token"]
        # not every member knows a fresh token at once
        self.wait("it hears why", lambda: "version" in fourth.ctl(
            "cluster", "join", f"127.0.0.1:{first.port}",
            "--token", token)[2])
        self.check_back(third)
        self.check_all_stop()

    def check_all_stop(self):
        """The others have to read their own logs before they know it."""
        first, second, third = self.node[:3]
        for node in (first, second, third):
            node.kill()
        third.qbdd = OLD
        for node in (third, second, first):
            node.start()
        self.wait("they lead", lambda: self.do(
            first, "cluster", "status")["leader_node"])
        self.do(first, "node", "label", "n1", "--rack", "later")
        self.wait("it is told", lambda: any(
            "has to be upgraded" in row["problem"] or
            "feature level is above" in row["problem"] for row in
            self.do(third, "cluster", "status")["problems"]))
        for node in (first, second):
            self.wait("and kept out", lambda node=node: self.do(
                node, "node", "show", "n3")["heard"] != "alive")
        third.kill()
        third.qbdd = base.QBDD
        third.start()
        self.wait("it has what was done meanwhile", lambda: (
            third.ctl("node", "show", "n1")[1] or {}).get("rack") == "later")

    def check_back(self, third):
        """Too late: it is told so, and there again with the newer one."""
        third.kill(signal.SIGTERM)
        third.qbdd = OLD
        third.start()
        self.problem(third, "has to be upgraded")
        self.do(self.node[0], "node", "label", "n1", "--rack", "late")
        third.kill(signal.SIGTERM)
        third.qbdd = base.QBDD
        third.start()
        self.wait("it has what was done meanwhile", lambda: (
            third.ctl("node", "show", "n1")[1] or {}).get("rack") == "late")

    def test_away(self):
        """One that is away may come back as it was: nothing rises."""
        self.make(3)
        first, second, third = self.node[:3]
        for node in (third, first, second):
            if node is second:
                third.kill()
            node.kill(signal.SIGTERM)
            node.qbdd = base.QBDD
            node.start()
            self.wait("it is back", lambda node=node: self.do(
                node, "cluster", "status")["leader_node"])
        # what needs the level says who is in its way
        self.wait("it says who", lambda: "n3 is not there" in
                  self.set_level(2)[2])
        self.assertEqual(1, self.level())
        third.qbdd = OLD
        third.start()
        self.wait("it is there", lambda: "n3 is too old" in
                  self.set_level(2)[2])
        self.assertIn("n3 is too old", self.set_level(2, "--force")[2])
        self.assertEqual(1, self.level())
        # one that never comes back could else not be given up, which needs
        # the level
        third.kill()
        self.wait("it is away", lambda: not self.set_level(
            2, "--force")[0])
        self.assertEqual(2, self.level())
        third.start()
        self.problem(third, "has to be upgraded")
        self.do(first, "node", "list")

    def test_alone(self):
        """Nobody refuses it: its own log does."""
        node = self.node[0]
        node.kill(signal.SIGTERM)
        node.qbdd = base.QBDD
        node.start()
        self.do(node, "cluster", "init", "test")
        self.wait("the newest level", lambda: self.level() == 2)
        self.do(node, "node", "label", "n1", "--rack", "late")
        node.kill(signal.SIGTERM)
        node.qbdd = OLD
        node.start()
        self.problem(node, "feature level is above")
        self.assertEqual(1, node.ctl("node", "label", "n1", "--rack", "x")[0])
        node.kill(signal.SIGTERM)
        node.qbdd = base.QBDD
        node.start()
        self.wait("nothing happened", lambda: (
            node.ctl("node", "show", "n1")[1] or {}).get("rack") == "late")


if __name__ == "__main__":
    sys.exit(base.ktap.main())
