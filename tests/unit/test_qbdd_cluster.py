#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Three real daemons: a cluster is made, two join it, who leads is killed."""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qbdd_world as base  # noqa: E402


class Cluster(base.World):
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

    def test_lost(self):
        """One never comes back: it goes, and when it comes is refused."""
        self.make(3)
        first, gone, fourth = self.node[0], self.node[2], self.node[3]
        code, _, err = first.ctl("node", "remove", "n3", "--force")
        self.assertEqual(1, code)
        self.assertIn("n3 is there", err)
        gone.kill()
        token = self.do(first, "token", "create")["token"]
        self.do(fourth, "cluster", "join", f"127.0.0.1:{first.port}",
                "--token", token)
        self.wait("who leads has noticed", lambda: first.ctl(
            "node", "remove", "n3", "--force")[0] == 0)
        self.wait("it is gone, and another one votes", lambda: sorted(
            self.group(first).items()) in (
                [("n1", one), ("n2", two), ("n4", "voter")]
                for one, two in (("leader", "voter"), ("voter", "leader"))))
        # nobody dials it, and with what it knows it is alone
        gone.start()
        self.wait("it is nobody", lambda: any(
            "was this node removed meanwhile" in row["do"] for row in self.do(
                gone, "cluster", "status")["problems"]))
        self.assertEqual(0, self.do(gone, "cluster", "status")["leader_node"])
        self.assertNotIn("n3", self.group(first))

    def test_volumes(self):
        """Without stores nothing can be made, and that is said."""
        self.make(3)
        node = self.node[1]
        # who leads says how copies are, whoever is asked
        for one in self.node[:3]:
            self.wait("copies are looked at", lambda one=one: self.do(
                one, "cluster", "status").get("repair") == {
                    "unknown": 0, "bad": 0, "volumes": [], "more": False})
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
    sys.exit(base.ktap.main())
