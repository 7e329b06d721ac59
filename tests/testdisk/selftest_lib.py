# SPDX-License-Identifier: GPL-2.0-only
"""What the parts of selftest.py share."""
from td import SECTOR, TdError


def pattern(sectors, seed):
    """Data of which every sector differs, within it and between seeds."""
    return b"".join(b"%-7d%-8d\n" % (seed, number) * (SECTOR // 16)
                    for number in range(sectors))


def zeros(sectors):
    """Zeros."""
    return bytes(sectors * SECTOR)


def split(data):
    """List of its sectors."""
    return [data[at:at + SECTOR] for at in range(0, len(data), SECTOR)]


def fails(code, call, *args, **options):
    """True if the call fails with that errno, TdError included."""
    try:
        call(*args, **options)
    except (OSError, TdError) as err:
        return err.errno == code
    return False


def mix(data, *kinds):
    """How many sectors of data are those of each kind, and of none."""
    counts = [0] * (len(kinds) + 1)
    for got, *choices in zip(split(data), *map(split, kinds)):
        counts[choices.index(got) if got in choices else -1] += 1
    return counts
