#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What becomes of a voter's log, and of the cluster, when its disk is not what
it was: three real daemons, one of which is stopped, has its files damaged, and
is started again.

Each row of CASES: what is done, whether the log may go on under its server id
(nothing that was promised is lost), and what the daemon's log has to say. The
others decide all the time; in the end there are three voters again, and all
have everything that was decided.
"""
import os
import shutil
import signal
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qbdd_world as base  # noqa: E402

PAGE = 4096


def segment(raft):
    """The newest segment, and the places of its records."""
    path = max(os.path.join(raft, name) for name in os.listdir(raft)
               if name.startswith("segment-"))
    with open(path, "rb") as file:
        data = file.read()
    at, records = PAGE, []
    while data[at:at + 4] == b"qRe1":
        records.append(at)
        size = struct.unpack_from("<I", data, at + 24)[0]
        at += 32 + (size + 7) // 8 * 8
    return path, records


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x10]))


def truncated(raft):
    path, records = segment(raft)
    os.truncate(path, records[len(records) // 2])


def flipped_middle(raft):
    path, records = segment(raft)
    flip(path, records[len(records) // 2] + 20)


def flipped_tail(raft):
    path, records = segment(raft)
    flip(path, records[-1] + 20)


def flipped_behind(raft):
    """Behind the end there are zeros: nothing was promised there."""
    path, _ = segment(raft)
    flip(path, os.path.getsize(path) - 5)


def one_slot(raft):
    """The other one has the same term and vote."""
    flip(os.path.join(raft, "state"), 60)


def both_slots(raft):
    flip(os.path.join(raft, "state"), 60)
    flip(os.path.join(raft, "state"), PAGE + 60)


def wiped(raft):
    shutil.rmtree(raft)


def rolled_back(raft):
    shutil.rmtree(raft)
    shutil.copytree(raft + ".copy", raft)


CASES = (
    (truncated, False, "event=raft-log-lost"),
    (flipped_middle, False, "event=raft-log-lost"),
    (flipped_tail, False, "event=raft-log-lost"),
    (both_slots, False, "event=raft-log-lost"),
    (wiped, False, "event=raft-log-lost"),
    (rolled_back, False, "put back to an older copy"),
    (flipped_behind, True, None),
    (one_slot, True, None),
)


class Damage(base.World):
    def raft(self, node):
        return os.path.join(node.dir, "state", "raft")

    def server(self, node):
        """From its record, which is never damaged here."""
        with open(os.path.join(node.dir, "state", "record"),
                  encoding="ascii") as file:
            for line in file:
                if line.startswith("server "):
                    return line.split()[1:]
        return None

    def log(self, node):
        with open(os.path.join(node.dir, "log"), encoding="utf-8") as file:
            return file.read()

    def follower(self):
        """A voter that does not lead, and another node."""
        led = self.wait("a leader", lambda: self.do(
            self.node[0], "cluster", "status")["leader_node"])
        return self.node[1 if led == 1 else 0], self.node[led - 1]

    def generation(self, node, of):
        """Of the log of one, as another one has heard."""
        return next(row["generation"] for row in self.do(
            node, "cluster", "status")["members"] if row["name"] == of.name)

    def forget(self, node, others):
        """
        An older copy of its log is made, and it goes on; the others hear how
        far it is.
        """
        raft = self.raft(node)
        node.kill(signal.SIGTERM)
        shutil.rmtree(raft + ".copy", ignore_errors=True)
        shutil.copytree(raft, raft + ".copy")
        node.start()
        self.whole()
        self.decide(others[0], 5)
        for other in others:
            self.wait("it heard how far that is", lambda other=other:
                      self.generation(other, node) ==
                      self.generation(node, node))

    def decide(self, node, nr=3):
        """Something that all have to know in the end."""
        for _ in range(nr):
            self.do(node, "token", "create")

    def tokens(self, node):
        return len(self.do(node, "token", "list")["tokens"])

    def wrong(self, said):
        """Who fell often is suspected for long, whatever is sent (detect.h)."""
        return [row["problem"] for row in said["problems"]
                if "is not heard" not in row["problem"]]

    def whole(self):
        def three():
            said = [self.do(node, "cluster", "status")
                    for node in self.node[:3]]
            roles = [row["role"] for row in said[0]["members"]]
            return (sorted(roles) == ["leader", "voter", "voter"] and
                    not any(one.get("changing", True) for one in said) and
                    not any(self.wrong(one) for one in said))
        self.wait("three voters, nothing wrong", three)

    def check(self, damage, keeps, text):
        self.whole()
        node, other = self.follower()
        raft, was = self.raft(node), self.server(node)
        if damage is rolled_back:
            self.forget(node, [other])
        node.kill()
        said = len(self.log(node))
        damage(raft)
        checked = subprocess.run([base.QBDCTL, "state", "check", raft],
                                 capture_output=True, check=False, timeout=60)
        # an older copy looks as good as it did then
        self.assertEqual(not keeps and damage is not rolled_back,
                         checked.returncode != 0 and damage is not one_slot)
        self.decide(other)
        node.start()
        if keeps:
            self.whole()
            self.assertEqual(was, self.server(node))
            self.assertNotIn("raft-log-lost", self.log(node)[said:])
        else:
            self.wait("another server", lambda: self.server(node) != was)
            self.whole()
            self.assertIn(text, self.log(node)[said:])
            self.assertIn("gives this node another server",
                          self.log(node)[said:])
        self.decide(node, 1)

    def test_matrix(self):
        self.make(3)
        tokens = self.tokens(self.node[0])
        for damage, keeps, text in CASES:
            with self.subTest(damage.__name__):
                self.check(damage, keeps, text)
        self.assertEqual({tokens + 4 * len(CASES) + 5},
                         {self.tokens(node) for node in self.node[:3]})

    def test_nobody_leads(self):
        """Nothing can be done about it then, and that is what is said."""
        self.make(3)
        self.whole()
        node, other = self.follower()
        node.kill()
        for one in self.node[:3]:
            if one.daemon.poll() is None:
                one.kill()
        flipped_middle(self.raft(node))
        node.start()
        problems = self.do(node, "cluster", "status")["problems"]
        self.assertIn("this node's log of the control plane is damaged or "
                      "gone", [row["problem"] for row in problems])
        self.assertTrue(any("bring the other members back" in row["do"]
                            for row in problems))
        self.assertTrue(any("nobody leads" in row["problem"]
                            for row in problems))
        for one in self.node[:3]:
            if one.daemon.poll() is not None:
                one.start()
        self.whole()
        self.decide(other, 1)

    def test_rolled_back_alone(self):
        """
        Who committed it with the rolled back one is gone: the two that are
        left must not decide without what they forgot.
        """
        self.make(3)
        self.whole()
        node, other = self.follower()
        third = next(one for one in self.node[:3]
                     if one not in (node, other))
        self.forget(node, [third, other])
        tokens = self.tokens(other)
        node.kill()
        other.kill()
        rolled_back(self.raft(node))
        node.start()
        self.wait("the third one says so", lambda: any(
            "damaged or gone" in row["problem"] for row in
            self.do(node, "cluster", "status")["problems"]))
        code, _, _ = third.ctl("token", "create")
        self.assertEqual(1, code)
        other.start()
        self.whole()
        self.assertEqual({tokens}, {self.tokens(one)
                                    for one in self.node[:3]})


if __name__ == "__main__":
    sys.exit(base.ktap.main())
