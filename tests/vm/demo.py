#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The demo: a database on a qbd volume, and a machine that is killed.

The client in the machine says which row it has committed after each commit;
that ledger is kept out here, where no crash of the machine reaches it. After
the machine came back every row of the ledger must be in the database.
"""
import argparse
import json
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from bed import Bed, BedError, GuestDied, poll  # noqa: E402

CLUSTER = "6c2f2b1e-6c11-4a4e-9f0c-1d8f3f0f8a01"
SHARD = 256 << 20
SHARDS = 2

PREPARE = """
mkdir -p /mnt/db /run/pg && mount /dev/qbd0 /mnt/db && chown postgres /run/pg
"""
# Sizes for a machine without KVM; what makes commits durable stays as it is.
# No commit makes the configuration durable: it is synced, as a person would
# have had the time for before his machine dies.
INITDB = """
install -d -o postgres -m 700 /mnt/db/pg
su postgres -c "$PG/initdb -D /mnt/db/pg -A trust" >/run/initdb.log
cat >>/mnt/db/pg/postgresql.conf <<END
listen_addresses = ''
unix_socket_directories = '/run/pg'
shared_buffers = 16MB
autovacuum = off
END
sync --file-system /mnt/db
"""
START = """
su postgres -c "$PG/pg_ctl -D /mnt/db/pg -l /run/pg/log -w -t 300 start" || {
	tail --lines=20 /run/pg/log
	exit 1
}
"""
TABLE = """
su postgres -c "psql -q -h /run/pg -c \
'create table ledger (id bigint primary key, body text)'"
"""
CLIENT = """
seq 1 10000000 | sed 's/.*/insert into ledger values \
(&, repeat(md5(&::text), 30));\\n\\\\echo committed &/' |
su postgres -c "stdbuf -oL psql -q -h /run/pg -v ON_ERROR_STOP=1"
"""
ROWS = """
su postgres -c "psql -qAt -h /run/pg -c 'select id from ledger order by id'"
"""


def say(text=""):
    """A line for the reader."""
    print(text, flush=True)


class Step:
    """A line of the story with the time that it took."""

    def __init__(self, text):
        self.text = text
        self.start = time.monotonic()

    def __enter__(self):
        print(f"  {self.text:<58}", end="", flush=True)
        return self

    def __exit__(self, kind, value, trace):
        took = time.monotonic() - self.start
        print("failed" if kind else f"{took:5.1f} s", flush=True)


class Ledger:
    """What the client was told is committed, kept outside of the machine."""

    def __init__(self):
        self.rows = []
        self._rest = b""
        self._lock = threading.Lock()
        self.noise = bytearray()

    def take(self, _kind, data):
        """Output of the client."""
        with self._lock:
            lines = (self._rest + data).split(b"\n")
            self._rest = lines.pop()
            for line in lines:
                found = re.fullmatch(rb"committed (\d+)", line.strip())
                if found:
                    self.rows.append(int(found.group(1)))
                else:
                    self.noise += line + b"\n"


def qbdctl(guest, words, timeout=120):
    """Run qbdctl in the machine; returns its output."""
    return guest.run(f'"$QBD_USER/qbdctl" {words}', timeout).out


def show(text):
    """Output of a command, set off."""
    for line in text.rstrip().splitlines():
        say("      " + line)


def node_up(guest):
    """Module, node, store: what a machine does when it starts."""
    guest.run("modprobe -a crc32c-intel libcrc32c; "
              'insmod "$QBD_BUILD/kmod/qbd.ko"')
    qbdctl(guest, f"kernel node start --id 1 --name alpha --cluster {CLUSTER}")
    qbdctl(guest, "kernel store add /dev/vda")
    stores = json.loads(qbdctl(guest, "kernel store list --json"))
    return stores[0]["uuid"]


def attach(guest, term):
    """Attach the volume; returns the device."""
    shards = " ".join(f"--shard {i}:1:1:{i + 1}" for i in range(SHARDS))
    return qbdctl(guest, "kernel volume attach --id 1 --name data "
                  f"--size {SHARD * SHARDS} --shard-size {SHARD} "
                  f"--term {term} {shards}").strip()


def create(guest):
    """Store, replicas, volume, file system, database."""
    say("\nA store, a volume of two shards, a database")
    with Step("format the disk as a store"):
        qbdctl(guest, f"store format /dev/vda --cluster {CLUSTER}")
    with Step("start the node, open the store"):
        store = node_up(guest)
    with Step("create a replica of each shard"):
        for i in range(SHARDS):
            qbdctl(guest, f"kernel replica create --id {i + 1} --volume 1 "
                   f"--shard {i} --store {store} --size {SHARD} --epoch 1 "
                   f"--members 1:{i + 1}")
    with Step("attach under term 1: the block device appears"):
        attach(guest, 1)
    show(qbdctl(guest, "kernel volume list"))
    with Step("mkfs.ext4, mount"):
        guest.run("mkfs.ext4 -q /dev/qbd0", 120)
        guest.run(PREPARE)
    with Step("initdb, start PostgreSQL"):
        guest.run(INITDB, 300)
        guest.run(START, 300)
        guest.run(TABLE, 120)


def kill(guest, ledger, rows):
    """Commit rows and kill the machine in the midst of it."""
    say(f"\nA client commits rows; after {rows} the machine is killed")
    job = guest.spawn(CLIENT, sink=ledger.take)
    with Step(f"{rows} rows committed, each acknowledged"):
        poll(lambda: len(ledger.rows) >= rows or not job.running(), 300,
             "rows to be committed")
        if len(ledger.rows) < rows:
            raise BedError("the client stopped: " + ledger.noise.decode())
    with Step("SIGKILL the machine"):
        guest.crash()
        try:
            job.wait(5)
        except GuestDied:
            pass
    say(f"      the ledger out here has {len(ledger.rows)} rows, the last is "
        f"{ledger.rows[-1]}")


def come_back(guest):
    """Boot again, replay, attach, mount, start."""
    say("\nIt comes back")
    with Step("boot"):
        guest.restart()
    with Step("open the store: replay the log"):
        node_up(guest)
    show(qbdctl(guest, "kernel replica list"))
    with Step("attach under term 2: settle what was in flight"):
        attach(guest, 2)
    with Step("fsck: the journal, then a full check"):
        guest.run("e2fsck -p /dev/qbd0 >/dev/null || [ $? = 1 ]; "
                  "e2fsck -f -n /dev/qbd0", 300)
    with Step("mount, start PostgreSQL: it recovers"):
        guest.run(PREPARE)
        guest.run(START, 300)


def count(guest, ledger):
    """Compare; returns the rows that were acknowledged and are gone."""
    say("\nThe count")
    there = {int(row) for row in guest.run(ROWS, 300).out.split()}
    lost = [row for row in ledger.rows if row not in there]
    say(f"      acknowledged {len(ledger.rows)}, in the database {len(there)}, "
        f"lost {len(lost)}")
    return lost


def main():
    """The story."""
    parser = argparse.ArgumentParser(description="qbd: the demo")
    parser.add_argument("--rows", type=int, default=200,
                        help="rows to commit before the machine is killed")
    rows = parser.parse_args().rows
    pg = [name for name in sorted(os.listdir("/usr/lib/postgresql"))][-1]
    ledger = Ledger()
    began = time.monotonic()
    say("qbd: one machine, one copy, one power plug\n")
    say("  (an emulated machine: everything takes 10 to 15 times as long "
        "as it would)")
    with Bed(kernel="debian", guests=1, cpus=2, mem="1G",
             disks=["2G"]) as bed:
        guest = bed.guests[0]
        bed.env["PG"] = f"/usr/lib/postgresql/{pg}/bin"
        create(guest)
        kill(guest, ledger, rows)
        come_back(guest)
        lost = count(guest, ledger)
        guest.run('su postgres -c "$PG/pg_ctl -D /mnt/db/pg -m fast -w stop" '
                  ">/dev/null; umount /mnt/db", 120)
        qbdctl(guest, "kernel volume detach --id 1")
        qbdctl(guest, "kernel node stop --id 1")
    if lost:
        say(f"\nLOST: rows {lost[:20]}")
        return 1
    say(f"\nNothing was lost. ({time.monotonic() - began:.0f} s)\n"
        "Next: README.md; 'scripts/testbed shell' for a machine to play with.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BedError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        sys.exit(1)
