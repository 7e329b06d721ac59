# SPDX-License-Identifier: GPL-2.0-only
"""KTAP for Python's unittest.

A test program ends with `ktap.main()` instead of `unittest.main()`: one line
per test, diagnostics behind "# ", exit code 0 (passed), 1 (failed) or 4 (all
skipped), as the C harness does it.
"""
import sys
import traceback
import unittest


class Result(unittest.TestResult):
    """Prints each test's line as soon as it is known."""

    def __init__(self):
        super().__init__()
        self.line = None

    def startTest(self, test):
        super().startTest(test)
        self.line = None

    def _failed(self, err):
        for line in "".join(traceback.format_exception(*err)).splitlines():
            print("# " + line)
        self.line = "not ok"

    def addError(self, test, err):
        super().addError(test, err)
        self._failed(err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._failed(err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            print("# " + str(subtest))
            self._failed(err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line = self.line or "SKIP " + reason

    def stopTest(self, test):
        super().stopTest(test)
        verdict = "not ok" if self.line == "not ok" else "ok"
        line = f"{verdict} {self.testsRun} {test.id().split('.', 1)[-1]}"
        if self.line and self.line != "not ok":
            line += " # " + self.line
        print(line, flush=True)


def main():
    """Run the tests of the calling program and leave with its exit code."""
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromModule(sys.modules["__main__"])
    if len(sys.argv) > 1:
        suite = loader.loadTestsFromNames(sys.argv[1:],
                                          sys.modules["__main__"])
    print(f"KTAP version 1\n1..{suite.countTestCases()}", flush=True)
    result = Result()
    suite.run(result)
    if not result.wasSuccessful() or not result.testsRun:
        sys.exit(1)
    sys.exit(4 if len(result.skipped) == result.testsRun else 0)
