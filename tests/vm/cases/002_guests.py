#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Two machines on one Ethernet: they talk, one crashes and comes back.

    n1 (10.77.0.1) ----- n2 (10.77.0.2)
                         vda 64M, and pmem where the kernel has it

What n2 wrote and flushed before it was killed is there after its restart.
"""
import os

from bed import Bed, GuestDied, check, run_case

DESCRIPTION = "two guests: ping, crash, restart, disk contents survive"
# TIMEOUT=180
KERNELS = "both"

WRITE = """
echo 'kept by {0}' | dd of={0} bs=4096 conv=sync,fsync status=none
"""
READ = "head -c 4096 {0} | tr -d '\\0 ' | grep -a keptby{0}"


def network(first, second):
    """The cable, and cuts of it in one direction."""
    ping = f"ping -c 1 -W 1 {second.ip}"
    first.wait_for(ping)
    second.cut_from(first)
    check("n1 does not reach n2 through a cut",
          first.run(ping, check=False).code != 0)
    second.heal()
    first.wait_for(ping)
    second.link_down()
    check("n1 does not reach n2 without a cable",
          first.run(ping, check=False).code != 0)
    second.link_up()
    first.wait_for(ping)


def main():
    """The whole story."""
    kernel = os.environ["QBD_KERNEL"]
    disks = ["64M"] + ["pmem:16M"] * (kernel == "debian")
    with Bed(kernel=kernel, guests=2, cpus=1, mem="768M",
             disks=disks) as bed:
        first, second = bed.guests
        network(first, second)
        devices = ["/dev/vda"] + ["/dev/pmem0"] * (kernel == "debian")
        for device in devices:
            second.run(WRITE.format(device))
        job = second.spawn("cat")
        second.crash()
        try:
            job.wait(5)
            check("a command does not outlive its machine", False)
        except GuestDied:
            pass
        check("n1 notices", first.run(f"ping -c 1 -W 1 {second.ip}",
                                      check=False).code != 0)
        second.restart()
        for device in devices:
            second.run(READ.format(device))
        first.wait_for(f"ping -c 1 -W 1 {second.ip}")
        first.pause()
        check("a machine that stands still does not answer",
              second.run(f"ping -c 1 -W 1 {first.ip}",
                         check=False).code != 0)
        first.resume()
        second.wait_for(f"ping -c 1 -W 1 {first.ip}")
        second.power_off()
        check("it is off", not second.alive())


if __name__ == "__main__":
    run_case(main)
