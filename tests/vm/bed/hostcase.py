# SPDX-License-Identifier: GPL-2.0-only
"""What cases that drive several guests from the host are written with."""
import signal
import sys

from .proc import BedError


class Failed(BedError):
    """Something is not as the case says it has to be."""


class Skipped(BedError):
    """The case cannot run here."""


def check(what, truth):
    """Say what was looked at; end the case if it is not so."""
    print(f"{'ok' if truth else 'not ok'} - {what}", flush=True)
    if not truth:
        raise Failed(what)


def skip(why):
    """End the case: it cannot run here."""
    raise Skipped(why)


def run_case(main):
    """Run main() and end with 0 (passed), 1 (failed) or 4 (skipped)."""
    # The runner's way to end a case that takes too long: beds are closed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        main()
    except Skipped as err:
        print(f"SKIP {err}", flush=True)
        sys.exit(4)
    except BedError as err:
        print(f"FAIL {type(err).__name__}: {err}", flush=True)
        sys.exit(1)
    sys.exit(0)
