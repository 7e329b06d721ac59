#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A database on a volume with one copy, in a machine that is killed.

    n1: PostgreSQL -> ext4 -> /dev/qbd0 -> store -> /dev/vda, a file out here
    here: the ledger of the rows that were acknowledged

QEMU gets SIGKILL while the client commits. After the next boot the file system
is clean, the database recovers, and every row that was acknowledged is there.
"""
import os
import random

import demo_db as db
from bed import Bed, check, run_case
from demo_node import CLUSTER, MODULE

DESCRIPTION = "PostgreSQL on one copy, the machine gets SIGKILL"
KERNELS = "debian"
# TIER=long
# TIMEOUT=400
# LONG=3000

STORE = "6c2f2b1e-6c11-4a4e-9f0c-1d8f3f0f8a0a"
SIZE = "512M"
ROWS = 20


def qbdctl(guest, words):
    """Run qbdctl; returns its output."""
    return guest.run(f'"$QBD_USER/qbdctl" {words}', 300).out


def up(guest, term, new=False):
    """Module, node, store, volume."""
    guest.run(MODULE)
    if new:
        qbdctl(guest, f"store format /dev/vda --cluster {CLUSTER} --uuid "
               f"{STORE} --wal-size 64M")
    qbdctl(guest, f"kernel node start --id 1 --name n1 --cluster {CLUSTER}")
    qbdctl(guest, "kernel store add /dev/vda --timeout 300")
    if new:
        qbdctl(guest, "kernel replica create --id 1 --volume 1 --shard 0 "
               f"--size {SIZE} --store {STORE} --epoch 1 --members 1:1")
    qbdctl(guest, f"kernel volume attach --id 1 --name data --size {SIZE} "
           f"--shard-size {SIZE} --term {term} --shard 0:1:1:1 --timeout 300")


def comes_back(guest, term, ledger):
    """Boot, and look at what is there; the newest row."""
    guest.restart()
    up(guest, term)
    db.fsck(guest)
    guest.run(db.MOUNT)
    guest.run(db.START, 600)
    there, lost = ledger.lost(guest)
    print(f"# {len(ledger.rows)} rows acknowledged, {len(there)} there",
          flush=True)
    check("every acknowledged row is there", not lost)
    check("and at most one that was not answered",
          len(there) - len(ledger.rows) <= 1)
    # that one counts from here on: it was read
    ledger.rows = sorted(there)
    return max(there)


def main():
    """Create, kill, look, and so on."""
    seed = int(os.environ.get("QBD_SEED", "1"))
    rounds = 5 if os.environ.get("QBD_LONG") else 1
    rng = random.Random(seed)
    ledger = db.Ledger()
    with Bed(kernel=os.environ["QBD_KERNEL"], guests=1, mem="768M",
             disks=["768M"], allow=("stall",)) as bed:
        bed.env["PG"] = db.bindir()
        guest = bed.node(1)
        up(guest, 1, new=True)
        db.create(guest)
        newest = 0
        for term in range(2, 2 + rounds):
            ledger.client(guest, newest + 1)
            ledger.grow(rng.randint(ROWS, 3 * ROWS))
            guest.crash()
            ledger.client_gone()
            newest = comes_back(guest, term, ledger)
        ledger.client(guest, newest + 1)
        ledger.grow(ROWS)
        ledger.client_stop()
        guest.run(db.STOP, 600)
        qbdctl(guest, "kernel volume detach --id 1")
        qbdctl(guest, "kernel node stop --id 1")
        check("the store is sound", guest.run(
            '"$QBD_USER/qbdctl" store check /dev/vda', 300))


if __name__ == "__main__":
    run_case(main)
