#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""qbdctl kernel, as far as it goes without the module: words and help.

The words are checked before the module is looked for, so each verb says what
is wrong with them on any machine; with good words it comes to the module.
"""
import os
import re
import subprocess
import sys
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
import ktap  # noqa: E402

QBDCTL = os.environ.get("QBDCTL", os.path.join(TOP, "build/user/qbdctl"))
UUID = "00112233-4455-6677-8899-aabbccddeeff"
VERBS = {
    "node": ("start", "show", "stop", "crash"),
    "store": ("add", "list", "remove"),
    "replica": ("create", "list", "delete", "floor"),
    "volume": ("attach", "detach", "grow", "list", "set"),
    "shard": ("list", "config", "verify", "verify-list", "verify-stop"),
    "peer": ("add", "remove", "show"),
    "link": ("add", "show", "remove"),
    "links": ("",),
    "events": ("",),
}
ATTACH = ("volume attach --id 1 --name a --size 64M --term 1 "
          "--shard-size 64M").split()


@unittest.skipUnless(os.access(QBDCTL, os.X_OK), "qbdctl is not built")
class Kernel(unittest.TestCase):
    def run_qbdctl(self, *words):
        done = subprocess.run([QBDCTL, *words], text=True,
                              capture_output=True, check=False, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def run_kernel(self, *words):
        return self.run_qbdctl("kernel", *words)

    def bad(self, words, *said):
        """A usage error, with these lines first."""
        code, out, err = self.run_kernel(*words)
        self.assertEqual((2, ""), (code, out), words)
        for line, wanted in zip(err.split("\n"), said):
            self.assertEqual("qbdctl: " + wanted, line)
        self.assertIn("usage: qbdctl kernel " + words[0], err)

    def test_help_of_the_program(self):
        for words in ("--help",), ("help",):
            code, out, err = self.run_qbdctl(*words)
            self.assertEqual((0, ""), (code, err))
            self.assertIn("kernel", out)
        code, out, err = self.run_qbdctl()
        self.assertEqual((2, ""), (code, out))
        self.assertIn("usage: qbdctl NOUN VERB", err)

    def test_help_of_nouns(self):
        for noun, verbs in VERBS.items():
            if verbs == ("",):
                continue
            code, listed, err = self.run_kernel(noun, "--help")
            self.assertEqual((0, ""), (code, err))
            self.assertEqual((0, listed, ""), self.run_kernel(noun, "help"))
            self.assertEqual((2, "", listed), self.run_kernel(noun))
            found = re.findall(rf"^  {noun} ([\w-]+)", listed, re.M)
            self.assertEqual(list(verbs), found)

    def test_help_of_verbs(self):
        listed = self.run_kernel("--help")[1]
        for noun, verbs in VERBS.items():
            for verb in verbs:
                words = [noun, verb] if verb else [noun]
                code, out, err = self.run_kernel(*words, "--help")
                self.assertEqual((0, ""), (code, err))
                self.assertIn("usage: qbdctl kernel " + " ".join(words), out)
                self.assertIn("\n  --json", out)
                self.assertIn("\n  " + " ".join(words), listed)
                self.assertLessEqual(max(map(len, out.split("\n"))), 80)

    def test_help_beside_other_words(self):
        plain = self.run_kernel("volume", "attach", "--help")
        self.assertEqual(0, plain[0])
        for option in ("--id N", "--name NAME", "--size SIZE", "--term N",
                       "--shard-size SIZE", "--shard NO:EPOCH:NODE:REPLICA",
                       "--on-no-quorum suspend|error", "--no-quorum-ms MS",
                       "--reads lease|quorum"):
            self.assertIn("\n  " + option, plain[1])
        self.assertEqual(plain, self.run_kernel(
            "volume", "attach", "--id", "x", "one", "--help"))

    def test_grow(self):
        code, out, err = self.run_kernel("volume", "grow", "--help")
        self.assertEqual((0, ""), (code, err))
        for option in ("--id N", "--size SIZE", "--term N",
                       "--shard NO:EPOCH:NODE:REPLICA"):
            self.assertIn("\n  " + option, out)
        grow = "volume grow --id 1 --size 64M --term 1".split()
        self.bad(grow[:-2], "--term is needed")
        self.bad(["volume", "grow", *grow[4:]], "--id is needed")
        self.bad([*grow[:4], *grow[6:]], "--size is needed")
        self.bad([*grow, "--shard-size", "64M"],
                 "unknown option --shard-size")
        self.bad([*grow, "--term", "0"], "--term 0: expected a term, "
                 "from 1 to 2^63 - 1")
        for shard in "", "1:1:1", "x:1:1:1":
            self.bad([*grow, "--shard", "1:1:1:1", "--shard", shard],
                     f"--shard {shard}: expected NO:EPOCH:NODE:REPLICA,...")

    def test_unknown_words(self):
        for words, said in (
                (("frob",), "kernel frob; see 'qbdctl kernel --help'"),
                (("node", "frob"),
                 "kernel node frob; see 'qbdctl kernel node --help'")):
            self.assertEqual((2, "", f"qbdctl: unknown: {said}\n"),
                             self.run_kernel(*words))

    def test_missing(self):
        self.bad(["node", "start"], "--id is needed")
        self.bad(["node", "stop"], "--id is needed")
        self.bad(["store", "add"], "PATH is needed")
        self.bad(["store", "remove"], "UUID is needed")
        self.bad(["peer", "add", "--id"], "--id: N is missing")
        self.bad([*ATTACH], "--shard is needed")
        self.bad("shard verify --volume 1".split(), "--term is needed")
        self.bad("shard verify-stop --volume 1 --term 1".split(),
                 "--shard is needed")

    def test_too_much(self):
        self.bad(["node", "show", "--frob"], "unknown option --frob")
        self.bad(["node", "show", "--jso"], "unknown option --jso")
        self.bad(["node", "show", "now"], "now: a word too many")
        self.bad(["store", "add", "a", "b"], "b: a word too many")
        self.bad(["node", "show", "--json=1"],
                 "--json=1: nothing follows --json")

    def test_bad_words(self):
        for words, said in (
                ("node start --id x", "--id x: expected a number"),
                ("node start --cluster x", "--cluster x: expected a uuid"),
                ("store remove x", "x: expected a uuid"),
                ("replica floor --term x",
                 "--term x: expected a term up to 2^63 - 1, or 0"),
                ("replica create --members 1",
                 "--members 1: expected NODE:REPLICA[:ROLE],..."),
                ("replica create --members 1:2:voter,2:3:elder",
                 "--members 1:2:voter,2:3:elder: "
                 "expected NODE:REPLICA[:ROLE],..."),
                ("shard config --set 0:1",
                 "--set 0:1: expected NO:EPOCH:NODE:REPLICA[:ROLE],... with "
                 "the roles voter, learner, joining, leaving"),
                ("peer add --id 1 --links 9",
                 "--links 9: expected a number from 1 to 8"),
                ("volume set --id 1 --on-no-quorum panic",
                 "--on-no-quorum panic: expected suspend or error"),
                ("volume attach --reads=none",
                 "--reads none: expected lease or quorum")):
            self.bad(words.split(), said)

    def test_bad_shards(self):
        for shard in ("", "0", "0:1", "0:1:", "0:1:,", "0:1:1", "0:1:1:", "x:1:1:1",
                      "0:0:1:1", "0:1:0:1", "65536:1:1:1", "0:1:1:1,2"):
            self.bad([*ATTACH, "--shard", "0:1:1:1", "--shard", shard],
                     f"--shard {shard}: expected NO:EPOCH:NODE:REPLICA,...")

    def test_shard_size(self):
        """Without it there is one shard, and that has a limit."""
        said = ("--shard-size is needed: without it there is one shard, "
                "of 64G at most")
        words = "volume attach --id 1 --name a --term 1 --shard 0:1:1:1".split()
        self.bad([*words, "--size", "1G", "--shard", "1:1:1:2"], said)
        self.bad([*words, "--size", "65G"], said)

    def test_timeout(self):
        for seconds in "0", "86401", "x":
            self.bad(["node", "stop", "--timeout", seconds],
                     f"--timeout {seconds}: expected seconds from 1 to 86400 "
                     "(--no-wait: do not wait)")

    @unittest.skipIf(os.path.exists("/sys/module/qbd"), "qbd is loaded")
    def test_good_words_come_to_the_module(self):
        for words in (
                ["node", "show"], ["events", "--count", "1"],
                ["node", "start", "--id", "1", "--name=a", "--cluster", UUID],
                "volume attach --id 1 --name a --size 64G --term 1 "
                "--shard 0:1:1:1".split(),
                "shard verify --volume 1 --term 1 --repair".split(),
                "shard verify --volume 1 --term 1 --shard 0 --no-wait".split(),
                "shard verify-stop --volume 1 --term 1 --shard 0".split(),
                ["shard", "verify-list"],
                "volume grow --id 1 --size 64M --term 1".split(),
                "volume grow --id 1 --size 256M --term 1 --shard 2:1:1:3,2:4 "
                "--shard 3:1:1:5:learner,2:6 --no-wait".split(),
                "shard config --volume 1 --term 1 "
                "--set 0:2:1:1,2:2:leaving,3:3:joining,4:4:learner".split(),
                ["store", "add", "/dev/null"], ["store", "remove", UUID],
                [*ATTACH, "--shard", "0:1:1:1,2:2", "--shard=1:1:1:3",
                 "--timeout", "86400", "--no-wait", "--reads", "lease",
                 "--on-no-quorum", "error", "--no-quorum-ms", "0"]):
            code, out, err = self.run_kernel(*words)
            self.assertEqual((1, ""), (code, out), words)
            self.assertIn("module is not loaded", err)


ktap.main()
