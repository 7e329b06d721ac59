#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Real daemons of a cluster that lost most of its voters for good.

It goes on from the one that is left, by 'qbdctl state restore'; the others
join again and are who they were. Two servers that are both restored are two
lineages, and no node is of both.
"""
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qbdd_world as base  # noqa: E402


def tree(top):
    """All files below a directory, with their bytes."""
    said = {}
    for where, _, names in os.walk(top):
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                said[os.path.relpath(path, top)] = file.read()
    return said


class Restore(base.World):
    def state(self, node):
        return os.path.join(node.dir, "state")

    def restore(self, node, *words):
        done = subprocess.run(
            [base.QBDCTL, "state", "restore", self.state(node), *words],
            text=True, capture_output=True, check=False, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def ids(self, node):
        said = self.do(node, "node", "list")["nodes"]
        return {row["name"]: row["id"] for row in said}

    def alone(self, node):
        """It leads, and nobody else is a member."""
        said = self.do(node, "cluster", "status")
        return said["leader"] == node.name and len(said["members"]) == 1

    def problem(self, node, text):
        self.wait(text, lambda: any(
            text in row["problem"] + row["do"] for row in
            self.do(node, "cluster", "status")["problems"]))

    def lose(self, node):
        node.kill()
        shutil.rmtree(self.state(node))
        os.mkdir(self.state(node), mode=0o700)

    def rejoin(self, node, by, token):
        """What the command says: record and peers go, the key stays."""
        node.kill(signal.SIGTERM)
        for name in ("record", "peers"):
            path = os.path.join(self.state(node), name)
            if os.path.exists(path):
                os.unlink(path)
        node.start()
        self.do(node, "cluster", "join", f"127.0.0.1:{by.port}",
                "--token", token)

    def test_two_of_three_lost(self):
        self.make(3)
        first, second, left, other = self.node
        token = self.do(first, "token", "create")["token"]
        self.do(other, "cluster", "join", f"127.0.0.1:{first.port}",
                "--token", token)
        self.wait("four nodes", lambda: len(self.group(other)) == 4)
        unused = self.do(first, "token", "create", "--uses", "9")["token"]
        ids = self.ids(left)
        self.lose(first)
        self.lose(second)
        code, _, err = self.restore(left, "--force")
        self.assertEqual(1, code)
        self.assertIn("stop the daemon first", err)
        left.kill(signal.SIGTERM)
        self.check_only_said(left)
        code, out, err = self.restore(left, "--force")
        self.assertEqual((0, ""), (code, err))
        self.assertIn("The old log stays", out)
        left.start()
        self.wait("it goes on alone", lambda: self.alone(left))
        self.assertEqual(ids, self.ids(left))
        self.problem(other, "another lineage")
        self.check_come_back(ids, unused)

    def check_only_said(self, left):
        """Without --force: everything is said, and nothing is done."""
        before = tree(self.state(left))
        code, out, err = self.restore(left)
        self.assertEqual((1, ""), (code, err))
        self.assertIn("Nothing was changed", out)
        for node in self.node[:2]:
            self.assertIn(f"127.0.0.1:{node.port}", out)
        self.assertEqual(before, tree(self.state(left)))

    def check_come_back(self, ids, old_token):
        first, second, left, other = self.node
        for node in (first, second):
            node.start()
        # tokens of before may have been used
        code, _, err = first.ctl("cluster", "join", f"127.0.0.1:{left.port}",
                                 "--token", old_token)
        self.assertEqual(1, code, err)
        token = self.do(left, "token", "create", "--uses", "3")["token"]
        join = ("cluster", "join", f"127.0.0.1:{left.port}", "--token", token)
        # a name alone makes nobody that node
        code, _, err = first.ctl(*join)
        self.assertEqual(1, code)
        self.assertIn("node rekey", err)
        code, _, err = left.ctl("node", "rekey", "n3")
        self.assertEqual(1, code)
        self.assertIn("is there", err)
        for node in (first, second):
            self.do(left, "node", "rekey", node.name)
            self.do(node, *join)
        self.rejoin(other, left, token)
        self.wait("all are who they were", lambda: self.ids(other) == ids)
        self.wait("three members", lambda: sorted(
            self.group(left).values())[-3:] == ["leader", "voter", "voter"])
        self.wait("the change is through", lambda: not any(
            self.do(node, "cluster", "status").get("changing")
            for node in self.node))
        # the group that came of it stands on its own
        left.kill()
        self.wait("another one leads", lambda: any(
            role == "leader" for role in self.group(first).values()))
        self.assertEqual(ids, self.ids(first))
        left.start()
        self.wait("it follows", lambda: self.do(
            left, "cluster", "status")["leader"])

    def test_two_lineages(self):
        self.make(3)
        first, second, third = self.node[:3]
        for node in (first, second):
            node.kill(signal.SIGTERM)
        for node in (first, second):
            self.assertEqual(0, self.restore(node, "--force")[0])
            node.start()
        for node in (first, second):
            self.wait("it goes on alone", lambda node=node: self.alone(node))
        self.problem(third, "another lineage")
        token = self.do(first, "token", "create")["token"]
        self.rejoin(third, first, token)
        self.wait("it follows the one that was said", lambda: self.do(
            third, "cluster", "status")["leader_node"] == 1)
        # neither counts the other, nor its nodes
        self.assertEqual("-", self.group(first)["n2"])
        self.assertEqual("-", self.group(second)["n3"])
        self.assertTrue(self.alone(second))
        self.assertNotEqual("alive", self.do(
            second, "node", "show", "n1")["heard"])

    def test_refused(self):
        """Where there is nothing to go on from, that is said."""
        self.make(2 + 1)
        node = self.node[3]
        node.kill(signal.SIGTERM)
        code, _, err = self.restore(node, "--force")
        self.assertEqual(1, code)
        self.assertIn("record", err)
        third = self.node[2]
        third.kill(signal.SIGTERM)
        raft = os.path.join(self.state(third), "raft")
        with open(os.path.join(raft, "state"), "r+b") as file:
            file.write(b"\xff" * 8192)
        before = tree(self.state(third))
        code, _, err = self.restore(third, "--force")
        self.assertEqual(1, code)
        self.assertIn("restore on another node", err)
        self.assertEqual(before, tree(self.state(third)))
        code, _, err = self.restore(third, "--term-floor", str(2 ** 63))
        self.assertEqual(2, code)


if __name__ == "__main__":
    sys.exit(base.ktap.main())
