#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What is made from the tables of all verbs: manual pages and completion."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
import ktap  # noqa: E402

QBDCTL = os.environ.get("QBDCTL", os.path.join(TOP, "build/user/qbdctl"))
QBDD = os.environ.get("QBDD", os.path.join(TOP, "build/user/qbdd"))
NOUNS = ["store", "state", "kernel", "cluster", "node", "token", "volume",
         "job", "daemon", "ping"]


def run(*words):
    done = subprocess.run(words, text=True, capture_output=True, check=False,
                          timeout=60)
    return done.returncode, done.stdout, done.stderr


def verbs():
    """All verbs, as their help lists them: name -> options."""
    found = {}
    for noun in NOUNS[:-1]:
        for name in re.findall(r"^  (\w.*?)(?: [\[A-Z-].*)?$",
                               run(QBDCTL, noun, "--help")[1], re.M):
            found[f"{noun} {name}"] = None
    found["ping"] = None
    for verb in found:
        text = run(QBDCTL, *verb.split(), "--help")[1]
        found[verb] = re.findall(r"^  (--[\w-]+)", text, re.M)
    return found


@unittest.skipUnless(os.access(QBDCTL, os.X_OK) and os.access(QBDD, os.X_OK),
                     "not built")
class Generate(unittest.TestCase):
    def pages(self):
        code, names, err = run(QBDCTL, "--man")
        self.assertEqual((0, ""), (code, err))
        found = {"qbdd": run(QBDD, "--man")}
        for name in names.split():
            found[name] = run(QBDCTL, "--man", name)
        self.assertEqual({"qbdd", "qbdctl", *("qbdctl-" + n for n in NOUNS)},
                         set(found))
        for name, (code, page, err) in found.items():
            self.assertEqual((0, ""), (code, err), name)
            self.assertTrue(page.startswith(
                f'.TH {name.upper()} 8 "" "qbd 0.1" "qbd"\n'), name)
        return {name: page for name, (_, page, _) in found.items()}

    def test_pages_have_all_verbs(self):
        pages = self.pages()
        listed = verbs()
        self.assertGreater(len(listed), 30)
        for verb, options in listed.items():
            page = pages["qbdctl-" + verb.split()[0]].replace("\\-", "-")
            self.assertIn(f"\n.SS {verb}\n", page)
            for option in options:
                self.assertIn(f"\\fB{option}\\fR", page, verb)
        self.assertEqual(len(listed), sum(page.count("\n.SS ")
                                          for page in pages.values()))

    def test_page_of_the_daemon(self):
        page = self.pages()["qbdd"]
        for part in ("\\fB\\-\\-check\\-config\\fR", "[node] \\fBname\\fR",
                     "[daemon] \\fBlog\\-level\\fR", "Exit codes: 0"):
            self.assertIn(part, page)

    def test_no_such_page(self):
        code, out, err = run(QBDCTL, "--man", "qbdctl-frob")
        self.assertEqual((2, ""), (code, out))
        self.assertIn("no such page: qbdctl-frob", err)

    def render(self, *command):
        for name, page in self.pages().items():
            with tempfile.NamedTemporaryFile("w", suffix=".8") as file:
                file.write(page)
                file.flush()
                code, out, err = run(*command, file.name)
            self.assertEqual((0, ""), (code, err), name)
            self.assertTrue(out, name)

    def test_man_has_no_warnings(self):
        if not shutil.which("man"):
            self.skipTest("no man")
        self.render("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z")

    def test_groff_has_no_warnings(self):
        if not shutil.which("groff"):
            self.skipTest("no groff")
        self.render("groff", "-man", "-ww", "-Tutf8", "-Z")

    # --- completion -------------------------------------------------------

    def complete(self, *words):
        """What bash offers behind these words, the last of them begun."""
        script = run(QBDCTL, "--complete", "bash")
        self.assertEqual((0, ""), (script[0], script[2]))
        drive = script[1] + ('COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
                             "_qbdctl; printf '%s\\n' \"${COMPREPLY[@]}\"\n")
        code, out, err = run("bash", "-euo", "pipefail", "-c", drive, "bash",
                             "qbdctl", *words)
        self.assertEqual((0, ""), (code, err), words)
        return sorted(out.split())

    def test_words(self):
        self.assertEqual(sorted(NOUNS), self.complete(""))
        self.assertEqual(["kernel"], self.complete("ke"))
        self.assertEqual(["log-level", "status"], self.complete("daemon", ""))
        self.assertEqual(["attach"], self.complete("kernel", "volume", "at"))
        self.assertEqual([], self.complete("frob", ""))
        self.assertEqual([], self.complete("kernel", "frob", "x"))

    def test_every_verb(self):
        for verb, options in verbs().items():
            words = verb.split()
            self.assertIn(words[-1], self.complete(*words))
            self.assertEqual(sorted({*options, "--help"}),
                             self.complete(*words, "--"), verb)

    def test_values(self):
        self.assertEqual(["lease", "quorum"], self.complete(
            "kernel", "volume", "attach", "--id", "1", "--reads", ""))
        self.assertEqual(["quorum"], self.complete(
            "kernel", "volume", "attach", "--reads", "=", "q"))
        self.assertEqual(["debug"], self.complete("daemon", "log-level", "d"))
        self.assertEqual([], self.complete("kernel", "volume", "attach",
                                           "--id", ""))
        with tempfile.TemporaryDirectory() as where:
            name = os.path.join(where, "links.conf")
            with open(name, "w", encoding="ascii"):
                pass
            self.assertEqual([name], self.complete("kernel", "links",
                                                   where + "/li"))
            self.assertEqual([name], self.complete("daemon", "status",
                                                   "--socket", where + "/"))

    def test_nothing_else_is_taken(self):
        for words in ("--complete",), ("--complete", "zsh"), ("--man", "a", "b"):
            self.assertEqual((2, ""), run(QBDCTL, *words)[:2])

    def test_shellcheck(self):
        if not shutil.which("shellcheck"):
            self.skipTest("no shellcheck")
        with tempfile.NamedTemporaryFile("w", suffix=".bash") as file:
            file.write(run(QBDCTL, "--complete", "bash")[1])
            file.flush()
            self.assertEqual((0, "", ""), run("shellcheck", "--shell=bash",
                                              file.name))


ktap.main()
