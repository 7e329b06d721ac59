# SPDX-License-Identifier: GPL-2.0-only
"""Guests for tests: boot, command, break and restart machines."""
from .bed import TOP, Bed, Spec
from .hostcase import Failed, check, run_case, skip
from .link import GuestDied, JobTimeout, Result
from .proc import BedError, Deadline, poll, scaled

__all__ = ["TOP", "Bed", "Spec", "GuestDied", "JobTimeout", "Result",
           "BedError", "Deadline", "poll", "scaled", "Failed", "check",
           "run_case", "skip"]
