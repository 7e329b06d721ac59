# SPDX-License-Identifier: GPL-2.0-only
"""Disks of a guest: files in the bed's directory that outlive the machine.

"64M"               a virtio-blk disk, /dev/vda and so on
"64M,cache=MODE"    the same with QEMU's cache mode: writeback (default: a
                    volatile cache that a flush empties), none, unsafe,
                    writethrough (no cache, as a disk with power-loss
                    protection)
"pmem:64M"          memory that keeps its contents: /dev/pmem0 where the
                    kernel has the driver, else only the physical address
                    range in bed.pmem on the command line

Killing QEMU is a crash of the machine, not a power cut: what the guest
wrote and did not flush is still in the host's page cache. Disks that lose
data are the test disk's job (tests/testdisk).
"""
import os

from .proc import BedError

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_CACHES = ("writeback", "none", "unsafe", "writethrough", "directsync")
# Where QEMU's "pc" machine stops putting memory below 4 GiB.
LOW_MEMORY = 3 << 30
_TOP = 16 << 20


def parse_size(text):
    """"64M" as bytes."""
    unit = _UNITS.get(text[-1:].upper())
    digits = text[:-1] if unit else text
    if not digits.isdigit() or int(digits) == 0:
        raise BedError(f"not a size: {text!r}")
    return int(digits) * (unit or 1)


class Disk:
    """One disk: how it was asked for, and its file."""

    def __init__(self, spec, path):
        self.path = path
        self.pmem = spec.startswith("pmem:")
        size, *options = spec.removeprefix("pmem:").split(",")
        self.size = parse_size(size)
        self.cache = "writeback"
        for option in options:
            key, _, value = option.partition("=")
            if key != "cache" or value not in _CACHES or self.pmem:
                raise BedError(f"disk {spec!r}: unknown option {option!r}")
            self.cache = value
        if self.pmem and self.size % (2 << 20):
            raise BedError(f"disk {spec!r}: not a multiple of 2M")

    def create(self):
        """Make the file, all zeroes, unless it is there from before."""
        if not os.path.exists(self.path):
            with open(self.path, "wb") as out:
                out.truncate(self.size)


def _pmem_args(pmems, mem):
    """Memory from files, above the machine's own, and what tells Linux."""
    args, kernel, ranges = [], [], []
    start = mem
    for number, disk in enumerate(pmems, 1):
        args += ["-object",
                 f"memory-backend-file,id=pm{number},size={disk.size},"
                 f"mem-path={os.path.basename(disk.path)},share=on",
                 "-numa", f"node,nodeid={number},memdev=pm{number}"]
        kernel.append(f"memmap={disk.size}!{start}")
        ranges.append(f"{start:#x}:{disk.size:#x}")
        start += disk.size
    kernel.append("bed.pmem=" + ",".join(ranges))
    # The firmware puts its tables at the end of memory: not into a disk.
    args += ["-object", f"memory-backend-memfd,id=top,size={_TOP},share=on",
             "-numa", f"node,nodeid={len(pmems) + 1},memdev=top"]
    return args, kernel


def qemu_args(disks, mem, cpus):
    """Arguments for QEMU and for the kernel: memory first, then disks."""
    pmems = [disk for disk in disks if disk.pmem]
    total = mem + sum(disk.size for disk in pmems)
    total += _TOP if pmems else 0
    if pmems and total > LOW_MEMORY:
        raise BedError("memory and pmem together exceed 3G")
    args = ["-m", str(total >> 20),
            "-object", f"memory-backend-memfd,id=mem,size={mem},share=on",
            "-numa", f"node,nodeid=0,memdev=mem,cpus=0-{cpus - 1}"]
    kernel = []
    if pmems:
        more, kernel = _pmem_args(pmems, mem)
        args += more
    blocks = [disk for disk in disks if not disk.pmem]
    for number, disk in enumerate(blocks):
        args += ["-drive",
                 f"if=none,id=disk{number},format=raw,discard=unmap,"
                 f"file={os.path.basename(disk.path)},cache={disk.cache}",
                 "-device",
                 f"virtio-blk-pci,drive=disk{number},serial=disk{number}"]
    return args, kernel
