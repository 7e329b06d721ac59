#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Who has no business with a cluster of real daemons: refused, counted, and
nobody else notices.

TOKENS and NOISE are the tables: who comes, and what has to be said or counted.
What can be said byte by byte to one of the doors alone is tested beside it
(test_session_*.c, test_link_hostile.c, test_admin_server.c); here it is the
daemon as a whole: its memory, and whether the cluster decides meanwhile.
"""
import os
import random
import resource
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qbdd_world as base  # noqa: E402

HALF_OPEN = 10000
RSS_MAX_KIB = 64 * 1024
NOBODY = 65534

# a record of TLS, of type handshake, that says it has 512 bytes
TLS_HEAD = b"\x16\x03\x01\x02\x00"

# what is sent to the control port, and whether it is ended at once
NOISE = (
    ("nothing at all", lambda dice: b"", False),
    ("one byte", lambda dice: b"\x16", False),
    ("half a TLS record", lambda dice: TLS_HEAD + b"\x01" * 100, False),
    ("a TLS record of noise",
     lambda dice: TLS_HEAD + dice.randbytes(512), True),
    ("noise", lambda dice: b"\xff" + dice.randbytes(4096), True),
    ("HTTP", lambda dice: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
)

# what is sent to the administrator's socket: one line each
LINES = (b"\n", b"{\n", b"[]\n", b"\x00\n", b'{"id": 1}\n', b"\xff" * 100 + b"\n",
         b'{"id": 1, "verb": "no such"}\n', b"[" * 5000 + b"\n",
         b'{"id": 1, "verb": "token create", "args": {"uses": -1}}\n',
         b'{"id": 1, "verb": "node rekey", "args": {"name": 7}}\n')


class Hostile(base.World):
    def setUp(self):
        super().setUp()
        self.make(3)
        self.victim = self.node[0]

    def door(self):
        return self.do(self.victim, "cluster", "status")["door"]

    def refused(self, why):
        return self.door()["refused"].get(why, 0)

    def rss_kib(self):
        path = f"/proc/{self.victim.daemon.pid}/status"
        with open(path, encoding="ascii") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return None

    def is_well(self):
        """It answers, the cluster decides, and it has not grown."""
        self.do(self.victim, "daemon", "status")
        self.do(self.node[1], "token", "create")
        self.assertLess(self.rss_kib(), RSS_MAX_KIB)

    def tokens(self):
        said = self.do(self.victim, "token", "list")["tokens"]
        return [row["id"] for row in said if row["good_s"]]

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.victim.port),
                                        timeout=base.PATIENCE_S)

    def as_nobody(self):
        """What becomes of a request of somebody who is not root."""
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            said = b"answered"
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.settimeout(base.PATIENCE_S)
                    sock.connect(self.victim.socket)
                    sock.sendall(b'{"id": 1, "verb": "daemon status"}\n')
                    if b'"ok"' not in sock.recv(4096):
                        said = b"refused"
            except (PermissionError, ConnectionError) as what:
                said = type(what).__name__.encode()
            finally:
                os.write(theirs, said)
                os._exit(0)
        os.close(theirs)
        with os.fdopen(ours, "rb") as pipe:
            said = pipe.read()
        os.waitpid(child, 0)
        return said

    def join(self, node, token):
        code, said, err = node.ctl("cluster", "join",
                                   f"127.0.0.1:{self.victim.port}",
                                   "--token", token)
        self.assertEqual((1, None), (code, said), err)
        return err

    def test_tokens(self):
        """Who joins, and with what."""
        stranger = self.node[3]
        over = self.do(self.victim, "token", "create")["token"]
        for ident in self.tokens():
            self.do(self.victim, "token", "revoke", "--id", str(ident))
        first = self.do(self.victim, "token", "create")["token"]
        late = self.do(self.victim, "token", "create", "--expires",
                       "1")["token"]
        self.wait("its time is over", lambda: len(self.tokens()) == 1)
        before = self.refused("the token is not valid")
        alone = base.Node(self.victim.dir, 9)
        alone.start()
        self.addCleanup(self.end, alone)
        self.do(alone, "cluster", "init", "other")
        foreign = self.do(alone, "token", "create")["token"]
        tokens = (
            ("mistyped", first[:-1] + ("0" if first[-1] != "0" else "1"),
             "mistyped", 0),
            ("no token", "qbd1-xxxx-yyyy-zzzz", "mistyped", 0),
            ("of another cluster", foreign, "not valid", 1),
            ("expired", late, "not valid|expired", 1),
            ("revoked", over, "not valid", 1),
        )
        for name, token, text, counted in tokens:
            with self.subTest(name):
                self.assertRegex(self.join(stranger, token), text)
                now = self.refused("the token is not valid")
                self.assertEqual(bool(counted), now > before)
                before = now
        self.do(stranger, "cluster", "join",
                f"127.0.0.1:{self.victim.port}", "--token", first)
        # used up: it is one's who came first
        again = base.Node(alone.dir, 8)
        again.start()
        self.addCleanup(self.end, again)
        self.assertRegex(self.join(again, first), "not valid")
        self.is_well()

    def test_noise(self):
        """On the control port: ended at once, or when its time is over."""
        dice = random.Random(42)
        for name, make, at_once in NOISE:
            with self.subTest(name):
                before = sum(self.door()["refused"].values())
                with self.connect() as sock:
                    sock.sendall(make(dice))
                    begun = time.monotonic()
                    try:
                        while sock.recv(4096):
                            pass
                    except ConnectionResetError:
                        pass
                    took = time.monotonic() - begun
                if not at_once:
                    # it was given its time
                    self.assertGreater(took, 1)
                self.wait("it is counted", lambda before=before: sum(
                    self.door()["refused"].values()) > before)
        self.is_well()

    def test_socket(self):
        """The administrator's socket: rubbish, and who is not root."""
        for line in LINES:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(base.PATIENCE_S)
                sock.connect(self.victim.socket)
                said = b""
                try:
                    sock.sendall(line)
                    sock.shutdown(socket.SHUT_WR)
                    while chunk := sock.recv(4096):
                        said += chunk
                except (BrokenPipeError, ConnectionResetError):
                    pass  # ended before all of it was read
                self.assertNotIn(b'"ok"', said, line)
        for path in (os.path.dirname(self.victim.dir), self.victim.dir):
            os.chmod(path, 0o755)
        self.assertIn(self.as_nobody(), (b"PermissionError", b"refused"))
        self.is_well()

    def test_half_open(self):
        """Ten thousand who connect and say nothing."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < HALF_OPEN + 100:
            self.skipTest(f"no {HALF_OPEN} descriptors here: {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (HALF_OPEN + 100, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE,
                        (soft, hard))
        socks = []
        self.addCleanup(lambda: [sock.close() for sock in socks])
        for number in range(HALF_OPEN):
            socks.append(self.connect())
            if number % 2500 == 0:
                self.is_well()
                self.assertLess(self.door()["half_open"], 400)
        self.is_well()
        self.wait("all were seen", lambda: self.door()["accepted"] >=
                  HALF_OPEN)
        said = self.door()
        self.assertGreaterEqual(sum(said["refused"].values()),
                                HALF_OPEN - 400)
        self.is_well()
        # the members heard each other all the time
        self.assertIn("leader", self.group(self.victim).values())
        self.wait("nothing is wrong", lambda: not self.do(
            self.victim, "cluster", "status")["problems"])


if __name__ == "__main__":
    sys.exit(base.ktap.main())
