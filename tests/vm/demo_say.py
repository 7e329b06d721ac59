# SPDX-License-Identifier: GPL-2.0-only
"""How the demo talks: steps with their times, small tables."""
import threading
import time

WIDTH = 60


def say(text=""):
    """A line for the reader."""
    print(text, flush=True)


class Step:
    """A line of the story with the time that it took."""

    def __init__(self, text):
        self.text = text
        self.start = time.monotonic()

    def __enter__(self):
        print(f"  {self.text:<{WIDTH}}", end="", flush=True)
        return self

    def done(self):
        """What stands at the end of the line."""
        return f"{time.monotonic() - self.start:6.1f} s"

    def __exit__(self, kind, value, trace):
        print(" failed" if kind else self.done(), flush=True)


class Check(Step):
    """A step that shows something; those that were shown are counted."""

    passed = 0

    def done(self):
        Check.passed += 1
        return super().done() + "  ok"


def table(head, *rows):
    """Columns: the first one to the left, numbers to the right."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    wide = [max(len(line[at]) for line in lines) for at in range(len(head))]
    for line in lines:
        cells = [f"{cell:<{width}}" if at == 0 else f"{cell:>{width}}"
                 for at, (cell, width) in enumerate(zip(line, wide))]
        say("      " + "   ".join(cells).rstrip())


def size(count):
    """Bytes for people."""
    if count < 1 << 20:
        return f"{count / (1 << 10):.1f} KiB"
    return f"{count / (1 << 20):.1f} MiB"


def together(function, *args):
    """function(arg) for all arguments side by side; the first error."""
    failed = []

    def one(arg):
        try:
            function(arg)
        except Exception as error:  # pylint: disable=broad-except
            failed.append(error)    # raised below, in the caller's thread

    threads = [threading.Thread(target=one, args=(arg,)) for arg in args]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
