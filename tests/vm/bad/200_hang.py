#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Not a test: a case on the host that hangs with a bed of its own."""
import os

from bed import Bed, run_case

DESCRIPTION = "a host case that does not end, with a guest running"
# TIMEOUT=45


def main():
    """Waits for what never comes."""
    with Bed(kernel=os.environ["QBD_KERNEL"]) as bed:
        bed.node(1).wait_for("false", timeout=3600)


if __name__ == "__main__":
    run_case(main)
