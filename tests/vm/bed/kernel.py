# SPDX-License-Identifier: GPL-2.0-only
"""Which kernel a guest boots, and what that kernel needs to be told.

"debian" is the newest 6.12 kernel installed on this machine, "debug" the
bzImage in $QBD_DEBUG_KERNEL; anything else is the path of an image.
"""
import glob
import os
import re

from .proc import BedError


class Kernel:
    """An image and its command line."""

    def __init__(self, name):
        self.name = name
        self.args = []
        self.boot_timeout = 180
        if name == "debian":
            self.image = _newest_debian()
        elif name == "debug":
            self.image = _debug_image()
            # Interpreting ACPI under KASAN without KVM takes minutes.
            # It forbids what resize2fs does: open a disk that is mounted.
            self.args = ["acpi=noirq", "reboot=t",
                         "bdev_allow_write_mounted=1"]
            self.boot_timeout = 400
        else:
            self.image = os.path.abspath(name)
            self.name = "path"
            self.boot_timeout = 400
        if not os.path.isfile(self.image):
            raise BedError(f"no kernel image {self.image}")

    @property
    def release(self):
        """Its version as uname -r says, from the header of the image."""
        with open(self.image, "rb") as src:
            src.seek(0x20e)
            offset = int.from_bytes(src.read(2), "little") + 0x200
            src.seek(offset)
            text = src.read(256).split(b"\0")[0]
        return text.decode("ascii", "replace").split(" ")[0]

    def has_modules(self):
        """True if this machine has loadable modules for it."""
        return os.path.isdir(f"/lib/modules/{self.release}")


def _version(path):
    return [int(part) for part in re.findall(r"\d+", path)]


def _newest_debian():
    images = sorted(glob.glob("/boot/vmlinuz-6.12*"), key=_version)
    if not images:
        raise BedError("no kernel /boot/vmlinuz-6.12*: run scripts/setup")
    return images[-1]


def _debug_image():
    where = os.environ.get("QBD_DEBUG_KERNEL")
    if not where:
        raise BedError("QBD_DEBUG_KERNEL does not name the directory of a "
                       "debug kernel")
    return os.path.join(where, "bzImage")


def available(name):
    """True if a guest can boot this kernel here; says why if not."""
    try:
        Kernel(name)
    except BedError as err:
        print(f"# no {name} kernel: {err}", flush=True)
        return False
    return True
