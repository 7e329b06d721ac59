#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Three real daemons on slow disks: the thread with the loop touches none.

How long something took says how busy this machine is, so no test here looks at
time: it counts on which thread the files of the state were touched.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qbdd_world as base  # noqa: E402

SYNC_MS = 200
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

    def test_members(self):
        """Logs are made, opened and written."""
        self.make(3)
        for number in range(3):
            main, other = self.calls(number)
            self.assertEqual([], [call for call in main
                                  if call[1] not in ALONE])
            self.assertIn(("fdatasync", "raft/state"), other)

    def test_commands(self):
        """So it is when who leads is killed, and another one does."""
        self.make(3)
        self.lines()
        for number in range(8):
            self.do(self.node[1], "node", "label", "n1", "--rack",
                    f"r{number}")
        self.node[0].kill()
        self.wait("another one leads", lambda: self.do(
            self.node[1], "cluster", "status")["leader"] in ("n2", "n3"))
        self.do(self.node[2], "node", "label", "n1", "--rack", "last")
        for number in (1, 2):
            main, other = self.calls(number)
            self.assertEqual([], main)
            self.assertIn(("fdatasync", "raft/state"), other)

    def test_replaced(self):
        """A member becomes none, and one again, with another log."""
        self.make(3)
        self.lines()
        self.do(self.node[0], "node", "label", "n3", "--votes", "never")
        self.wait("no member", lambda: self.group(
            self.node[0]).get("n3") == "-")
        self.do(self.node[0], "node", "label", "n3", "--votes", "any")
        self.wait("a member", lambda: self.group(
            self.node[0]).get("n3") == "voter")
        for number in range(3):
            main, other = self.calls(number)
            self.assertEqual([], main)
            self.assertIn(("fdatasync", "raft/state"), other)


if __name__ == "__main__":
    sys.exit(base.ktap.main())
