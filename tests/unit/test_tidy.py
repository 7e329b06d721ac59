#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Each rule of scripts/tidy.py is seen failing, at the right line, and passing.

A case is a small tree in a temporary directory; what it contains besides the
broken rule follows all of them.
"""
import os
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "scripts"), os.path.join(TOP, "tests")]
import ktap  # noqa: E402
import tidy  # noqa: E402

C = "// SPDX-License-Identifier: GPL-2.0-only\n/* What it is for. */\n"
H = "/* SPDX-License-Identifier: GPL-2.0-only */\n/* What it is for. */\n"
SH = "#!/usr/bin/env bash\n# SPDX-License-Identifier: GPL-2.0-only\n# Job.\n"
PY = '# SPDX-License-Identifier: GPL-2.0-only\n"""Job."""\n'


def tree_of(files):
    """A Tree of {name: text}."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, name)),
                        exist_ok=True)
            with open(os.path.join(root, name), "w",
                      encoding="utf-8") as file:
                file.write(text)
        return tidy.Tree(root, files)


class Rules(unittest.TestCase):
    """The plain rules."""

    def found(self, files):
        """(rule, path, line) of all findings."""
        return [(f.rule, f.path, f.line) for f in
                tidy.run_rules(tree_of(files))]

    def one(self, rule, name, text, line, **others):
        """Exactly one finding."""
        files = {name: text}
        files.update({key.replace("__", "/"): val
                      for key, val in others.items()})
        self.assertEqual([(rule, name, line)], self.found(files))

    def clean(self, name, text):
        """No finding."""
        self.assertEqual([], self.found({name: text}))

    def test_spdx(self):
        self.one("spdx", "kmod/a.c", "/* x */\n/* y */\n", 1)
        self.one("spdx", "scripts/a.sh", "#!/bin/bash\n\n# x\n", 2)
        self.one("spdx", "daemon/Makefile", "all:\n", 1)

    def test_header_comment(self):
        self.one("header-comment", "daemon/a.c", C[:41] + "int x;\n", 2)
        self.one("header-comment", "x.py", PY[:40] + "\nimport os\n", 2)
        self.clean("scripts/a", SH)

    def test_unfinished(self):
        self.one("unfinished", "a.md", "a\nTO" "DO: b\n", 2)
        self.clean("a.md", "mktemp XXXXXX\n")

    def test_machine_path(self):
        self.one("machine-path", "a.md", "see /wo" "rk/x\n", 1)
        self.one("machine-path", "a.md", "see ../sha" "red\n", 1)
        self.clean("a.md", "tests/wo" "rk/x a/roo" "t/b\n")

    def core(self, text):
        """Findings for one core file that has its test."""
        found = self.found({"kmod/core/a.c": C + text, "kmod/core/b.h": H,
                            "tests/unit/test_a.c": C})
        return [(rule, line) for rule, _, line in found]

    def test_core_include(self):
        self.assertEqual([("core-include", 3)],
                         self.core("#include <linux/slab.h>\n"))
        self.assertEqual([("core-include", 3)],
                         self.core('#include "volume.h"\n'))
        self.assertEqual([], self.core(
            '#include "env.h"\n#include "b.h"\n#include <linux/qbd_wal.h>\n'))

    def test_core_pure(self):
        for bad in ("ktime_get_boottime_ns()", "spin_lock(&x)", "free(x)",
                    "kmalloc(1, 2)", "mutex_lock(&x)", "jiffies",
                    "pr_err(1)"):
            with self.subTest(bad=bad):
                self.assertEqual([("core-pure", 4)], self.core(
                    f"\nint x = {bad};\n"))
        self.assertEqual([], self.core(
            "/* spin_lock() is the caller's */\nint qbd_ring_free(int x);\n"))

    def test_core_test(self):
        self.one("core-test", "kmod/core/a.c", C, 1)
        self.one("core-test", "daemon/raft/a.c", C, 1)

    def test_raft_is_a_core(self):
        tests = {"tests__unit__test_raft_a.c": C, "daemon__raft__b.h": H}
        own = '#include "env.h"\n#include "b.h"\n'
        self.one("core-include", "daemon/raft/a.c",
                 C + own + "#include <linux/qbd_wal.h>\n", 5, **tests)
        self.one("core-pure", "daemon/raft/a.c", C + own + "x = malloc(1);\n",
                 5, **tests)

    def test_core_mutant(self):
        table = SH + "names=(\n\tbug_a # breaks it\n)\n"
        with_tests = {"tests__unit__test_a.c": C, "tests__sim__mutants_x.sh":
                      table}
        self.one("core-mutant", "kmod/core/a.c",
                 C + "\tif (QBD_MUTANT(bug_a) ||\n"
                 "\t    QBD_MUTANT(bug_b))\n", 4, **with_tests)

    def test_field_tag(self):
        struct = ("struct qbd_x {\n\tint a; /* [lock] */\n\tint b;\n"
                  "\tspinlock_t lock; /* rank */\n};\n")
        self.one("field-tag", "kmod/x.h", H + struct, 5)
        self.clean("kmod/x.h", H + struct.replace("spinlock_t", "int"))
        self.clean("kmod/x.h", H + struct.replace("int b", "/* b [lock] */\n"
                                                  "\tint b"))
        self.clean("kmod/x.h", H + "/**\n * struct qbd_x - x\n * @b: it is\n"
                   " *     b [const]\n */\n" + struct)

    def test_field_tag_shapes(self):
        struct = ("struct qbd_x {\n\tint (*go)(int a,\n\t\t  int b);\n"
                  "\tstruct list_head l;\n\tunion {\n\t\tint m[4];\n\t};\n"
                  "\tstruct mutex lock;\n};\n")
        struct = 'const char *qbd_s = "long string";\n' + struct
        found = self.found({"kmod/x.h": H + struct})
        self.assertEqual([5, 7, 9], [line for _, _, line in found])

    def test_locked_asserts(self):
        func = "void __qbd_a(int x)\n{\n\tint y;\n\n\ty = x;\n\tgo(y);\n}\n"
        self.one("locked-asserts", "kmod/a.c", C + func, 3)
        self.clean("kmod/a.c", C + func.replace(
            "y = x;", "lockdep_assert_held(&x);\n\n\ty = x;"))
        self.clean("kmod/a.c", C + func.replace(
            "int y;\n", "qbd_assert_shard_locked(x);\n"))

    def test_kmod_banned(self):
        for bad in ("printk(x)", "BUG()", "BUG_ON(x)", "ms" "leep(5)"):
            with self.subTest(bad=bad):
                self.one("kmod-banned", "kmod/a.c",
                         C + f"void qbd_a(void)\n{{\n\t{bad};\n}}\n", 5)
        self.clean("kmod/a.c", C + "/* BUG() */\nint qbd_bug(int QBD_BUG);\n")
        self.one("kmod-banned", "kmod/a.c", C + "\tblk_mq_freeze_queue(q);\n",
                 3)

    def test_kernel_version(self):
        text = "#if LINUX_VERSION" "_CODE > 1\n#endif\n"
        self.one("kernel-version", "kmod/a.c", C + text, 3)
        self.clean("kmod/compat.h", H + text)

    def test_names(self):
        self.one("names", "kmod/a.c", C + "static int go(void)\n{\n}\n", 3)
        self.clean("kmod/a.c", C + "static int __init qbd_go(void)\n{\n}\n")

    def test_no_inline(self):
        self.one("no-inline", "daemon/a.c", C + "static inline int a;\n", 3)
        self.one("no-inline", "kmod/a.h", H + "typedef struct x y;\n", 3)
        self.clean("kmod/a.h", H + "static inline int a;\n"
                   "typedef struct x (*qbd_x_fn)(int a);\n")

    def test_dead_file(self):
        kbuild = "# SPDX-License-Identifier: x\nqbd-y := core/a.o b.o\n"
        self.one("dead-file", "kmod/a.c", C, 1, kmod__Kbuild=kbuild)
        self.assertEqual([], self.found({"kmod/b.c": C,
                                         "kmod/Kbuild": kbuild}))

    def test_vm_description(self):
        self.one("vm-description", "tests/vm/cases/001_a.sh", SH, 1)
        self.clean("tests/vm/cases/001_a.sh", SH + 'DESCRIPTION="a"\n')
        self.clean("tests/vm/cases/lib.sh", SH)

    def test_bare_sleep(self):
        nap = "sl" "eep"
        self.one("bare-sleep", "tests/a.sh", SH + nap + " 1\n", 4)
        self.one("bare-sleep", "tests/a.sh", SH + f"a; {nap} $x\n", 4)
        self.one("bare-sleep", "tests/a.py", PY + f"time.{nap}(1)\n", 3)
        self.one("bare-sleep", "tests/a.c", C + f"x = u{nap}(1);\n", 3)
        self.clean("tests/a.sh", SH + f"until x; do\n\ty\n\t{nap} 1\n")
        self.one("bare-sleep", "tests/a.sh", SH + f"until x; do\n\ty\ndone\n"
                 f"if y; then\n\t{nap} 1\nfi\n", 8)
        self.clean("tests/a.py", PY + "while True:\n    if x:\n        y()\n"
                   f"    time.{nap}(1)\n")
        self.clean("tests/a.c", C + f"/* u{nap}(1) */\n")
        self.clean("tests/a.sh", SH + f"# {nap} 1\n")
        pause = 'read -r -' 't 1 -u "$x" || true\n'
        self.one("bare-sleep", "tests/a.sh", SH + pause, 4)
        self.one("bare-sleep", "tests/a.sh", SH + "y\n# pause\n" + pause, 6)
        self.clean("tests/a.sh", SH + "# pause: an outage\n" + pause)
        self.clean("tests/a.sh", SH + f"while x; do\n\t{pause}done\n")

    def test_looks_once(self):
        self.one("looks-once", "tests/vm/a.sh",
                 SH + 'wait_until 9 test "$(x)" = 1\n', 4)
        self.clean("tests/vm/a.sh", SH + "wait_until 9 more $((x + 1))\n")

    def test_generated_is_left_out(self):
        self.clean("kmod/genl.c", "/* Do not edit directly, auto-generated */")


class Sizes(unittest.TestCase):
    """Caps and ratchet."""

    def found(self, text, ratchet="", before=None, name="daemon/a.c"):
        """(rule, line) of what check_sizes() says."""
        findings = tidy.check_sizes(
            tree_of({name: text}), tidy.read_ratchet(ratchet),
            None if before is None else tidy.read_ratchet(before))
        return [(f.rule, f.line) for f in findings]

    def test_file(self):
        self.assertEqual([("file-size", 1)], self.found("\n" * 801))
        self.assertEqual([], self.found("\n" * 800))
        self.assertEqual([("file-size", 1)], self.found("\n" * 301,
                                                        name="a.h"))

    def test_function(self):
        text = C + "int a(void)\n{\n" + "\tx();\n" * 69 + "}\n"
        self.assertEqual([("function-size", 3)], self.found(text))
        self.assertEqual([], self.found(text.replace("\tx();\n", "", 1)))

    def test_parameters(self):
        text = C + "static int a(int a, int b, int (*c)(int, int),\n" \
            "\t\tint d, int e, int f, int g, int h)\n{\n}\n"
        self.assertEqual([("parameters", 3)], self.found(text))
        self.assertEqual([], self.found(text.replace(", int h", "")))

    def test_nesting(self):
        text = (C + "int a(void)\n{\n\tif (a) {\n\t\tfor (;;) {\n"
                "\t\t\tdo {\n\t\t\t\tif (x) {\n\t\t\t\t}\n\t\t\t} while (0);\n"
                "\t\t}\n\t}\n}\n")
        self.assertEqual([("nesting", 3)], self.found(text))
        self.assertEqual([], self.found(text.replace(
            "if (x) {\n\t\t\t\t}", "x = (struct y){ { 1 } };")))

    def test_ratchet(self):
        text = C + "int a(void)\n{\n" + "\tx();\n" * 78 + "}\n"
        entry = "function-size daemon/a.c:a "
        self.assertEqual([], self.found(text, entry + "80"))
        self.assertEqual([], self.found(text, entry + "80", entry + "90"))
        self.assertEqual([("function-size", 3)],
                         self.found(text, entry + "79"))
        self.assertEqual([("ratchet", 1)], self.found(text, entry + "81"))
        self.assertEqual([("ratchet", 1)], self.found("", entry + "80"))
        self.assertEqual([("ratchet", 1)], self.found(text, entry + "80",
                                                      entry + "79"))
        self.assertEqual([("ratchet", 1)], self.found(text, entry + "80", ""))

    def test_all_rules_have_a_test(self):
        tests = dir(Rules)
        for rule in tidy.RULES:
            self.assertIn("test_" + rule.__name__, tests)


ktap.main()
