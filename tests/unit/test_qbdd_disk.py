#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Three real daemons on slow disks: the thread with the loop touches none.

How long something took says how busy this machine is, so no test here looks at
time: it counts on which thread the files of the state were touched.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qbdd_load  # noqa: E402
import qbdd_world as base  # noqa: E402

SYNC_MS = 100
COMMANDS = 5000  # half of what a log has room for, and more: a snapshot is made
# A node that is in no cluster has nobody to be silent to: its key and its first
# record are made when it is asked to make or to join one.
ALONE = ("node.key", "node.key.new", "record", "record.new", "")


@base.unittest.skipUnless(os.access(base.DISK, os.R_OK), "not built")
class Disk(base.World):
    witness = True

    def setUp(self):
        super().setUp()
        self.began = [len(node.disk_calls()) for node in self.node]
        for node in self.node:
            node.slow_disk(SYNC_MS)

    def calls(self, number):
        """Those of a node since its start, by thread."""
        calls = self.node[number].disk_calls()[self.began[number]:]
        return ([call[1:] for call in calls if call[0] == "main"],
                [call[1:] for call in calls if call[0] == "other"])

    def lines(self):
        self.began = [len(node.disk_calls()) for node in self.node]

    def clean(self, *numbers):
        """Nothing on the loop's thread, and on another one the log."""
        for number in numbers:
            main, other = self.calls(number)
            self.assertEqual([], main)
            self.assertIn(("fdatasync", "raft/state"), other)

    def test_commands(self):
        """Logs are made, opened and written; who leads is killed."""
        self.make(3)
        for number in range(3):
            main, other = self.calls(number)
            self.assertEqual([], [call for call in main
                                  if call[1] not in ALONE])
            self.assertIn(("fdatasync", "raft/state"), other)
        self.lines()
        for number in range(4):
            self.do(self.node[1], "node", "label", "n1", "--rack",
                    f"r{number}")
        self.node[0].kill()
        self.wait("another one leads", lambda: self.do(
            self.node[1], "cluster", "status")["leader"] in ("n2", "n3"))
        self.do(self.node[2], "node", "label", "n1", "--rack", "last")
        self.clean(1, 2)

    def test_snapshot(self):
        """Made, sent, received and loaded, while all of them beat."""
        self.make(3)
        first, third = self.node[0], self.node[2]
        for node in self.node[:2]:
            node.slow_disk(0)
        third.kill()
        self.lines()
        qbdd_load.load(first.socket, 32, lambda answered: answered < COMMANDS)
        third.start()
        self.lines()
        mine = self.do(first, "cluster", "status")["applied"]
        self.assertGreater(mine, COMMANDS)
        self.wait("it has all", lambda: self.do(
            third, "cluster", "status").get("applied", 0) >= mine)
        self.clean(2)
        for number, how in ((0, "taking"), (2, "incoming")):
            calls = self.node[number].disk_calls()
            self.assertIn(("other", "open", f"raft/{how}"), calls)
            self.assertTrue(any(thread == "other" and call == "rename" and
                                path.startswith("raft/snapshot-")
                                for thread, call, path in calls))
            self.assertEqual([], [call for call in calls if call[0] == "main"
                                  and "snapshot" in call[2]])

    def test_replaced(self):
        """A member becomes none, and one again, with another log."""
        third = self.node[2]
        path = os.path.join(third.dir, "state", "raft")
        with open(path, "wb"):
            pass
        # its log can not be made, and that is said
        first = self.node[0]
        self.do(first, "cluster", "init", "test")
        token = self.do(first, "token", "create", "--uses", "2")["token"]
        for node in self.node[1:3]:
            self.do(node, "cluster", "join", f"127.0.0.1:{first.port}",
                    "--token", token)
        self.wait("a problem", lambda: any(
            "can not begin" in row["problem"] and "raft: Not a directory"
            in row["problem"] for row in
            self.do(third, "cluster", "status")["problems"]))
        os.unlink(path)
        # nobody has to say so
        self.wait("a member", lambda: self.group(
            first).get("n3") == "voter" and not self.do(
                first, "cluster", "status")["changing"])
        self.assertEqual([], [
            row for row in self.do(third, "cluster", "status")["problems"]
            if "can not begin" in row["problem"]])
        self.lines()
        self.do(first, "node", "label", "n3", "--votes", "never")
        self.wait("no member", lambda: self.group(first).get("n3") == "-")
        self.do(first, "node", "label", "n3", "--votes", "any")
        self.wait("a member", lambda: self.group(
            first).get("n3") == "voter")
        self.clean(0, 2)


if __name__ == "__main__":
    sys.exit(base.ktap.main())
