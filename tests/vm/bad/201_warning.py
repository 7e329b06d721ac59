#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Not a test: a case on the host in whose guest the kernel warns."""
import os

from bed import Bed, run_case

DESCRIPTION = "a host case in whose guest the kernel warns"


def main():
    """All fine, but for the kernel log."""
    with Bed(kernel=os.environ["QBD_KERNEL"]) as bed:
        bed.node(1).run("echo 'BUG: none really' >/dev/kmsg")


if __name__ == "__main__":
    run_case(main)
