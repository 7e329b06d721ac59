# SPDX-License-Identifier: GPL-2.0-only
"""The database of the demo, its client, and the client's ledger."""
import os
import re
import signal
import threading
import time

from bed import BedError, GuestDied, poll, scaled

SERVERS = "/usr/lib/postgresql"

# What --run starts where the volume is; its device is in the environment.
# It ends when it is told to, when PostgreSQL has ended and the file system is
# not mounted any more: only then is the volume detached.
PROGRAM = """#!/bin/bash
PG={bindir}
mkdir -p /mnt/db /run/pg && chown postgres /run/pg || exit 1
e2fsck -p "$QBD_DEVICE" >/run/pg/fsck || [[ $? == 1 ]] || exit 1
mount "$QBD_DEVICE" /mnt/db || exit 1
over()
{{
	su postgres -c "$PG/pg_ctl -D /mnt/db/pg -m fast -w -t 600 stop"
	umount /mnt/db || umount --lazy /mnt/db
	exit 0
}}
trap over TERM
su postgres -c "$PG/pg_ctl -D /mnt/db/pg -l /run/pg/log -w -t 600 start" \
	>/run/pg/start || {{
	tail --lines=20 /run/pg/log
	umount /mnt/db
	exit 1
}}
while [[ -e /mnt/db/pg/postmaster.pid ]]; do
	sleep 1 &
	wait $!
done
umount /mnt/db
exit 1
"""
WHERE = "/run/database"

MKFS = """
mkfs.ext4 -q {device} && mkdir -p /mnt/db && mount {device} /mnt/db
"""
# Sizes for a machine without KVM; what makes commits durable stays as it is.
# Without TZ initdb reads all time zones.
INITDB = """
install -d -o postgres -m 700 /mnt/db/pg
su postgres -c "TZ=UTC $PG/initdb --no-sync -D /mnt/db/pg -A trust" \
	>/run/initdb.log
cat >>/mnt/db/pg/postgresql.conf <<END
listen_addresses = ''
unix_socket_directories = '/run/pg'
shared_buffers = 16MB
autovacuum = off
END
umount /mnt/db
"""
READY = """
su postgres -c "psql -qAt -h /run/pg -c 'select 1'"
"""
TABLE = """
su postgres -c "psql -q -h /run/pg -c \
'create table ledger (id bigint primary key, body text)'"
"""
# Says which row is committed when the commit has been answered.
CLIENT = """
seq {first} 10000000 | sed 's/.*/insert into ledger values \
(&, repeat(md5(&::text), 30));\\n\\\\echo committed &/' |
su postgres -c "stdbuf -oL psql -q -h /run/pg -v ON_ERROR_STOP=1"
"""
ROWS = """
su postgres -c "psql -qAt -h /run/pg -c 'select id from ledger
where body = repeat(md5(id::text), 30) order by id'"
"""


def bindir():
    """Where the newest PostgreSQL here has its programs."""
    newest = sorted(os.listdir(SERVERS), key=int)[-1]
    return os.path.join(SERVERS, newest, "bin")


def program(guest):
    """Put the program that runs the database where --run finds it."""
    guest.run(f"cat >{WHERE} && chmod 755 {WHERE}",
              stdin=PROGRAM.format(bindir=bindir()))


def create(guest, device):
    """File system and an empty database, not running yet."""
    guest.run(MKFS.format(device=device), 300)
    guest.run(INITDB, 600)


def table(guest):
    """The table of the client."""
    guest.run(TABLE, 300)


def runs(guest):
    """Does it answer here?"""
    return guest.run(READY, 300, check=False).code == 0


def wait_runs(guest):
    """Until it does."""
    poll(lambda: runs(guest), scaled(300), "the database", interval=0.2)


class Ledger:
    """Rows whose commit was answered, kept outside of the machines."""

    def __init__(self):
        self.rows = []
        self.times = []
        self._rest = b""
        self._noise = bytearray()
        self._lock = threading.Lock()
        self._job = None

    def take(self, _kind, data):
        """Output of the client."""
        with self._lock:
            lines = (self._rest + data).split(b"\n")
            self._rest = lines.pop()
            for line in lines:
                found = re.fullmatch(rb"committed (\d+)", line.strip())
                if found:
                    self.times.append(time.monotonic())
                    self.rows.append(int(found.group(1)))
                else:
                    self._noise += line + b"\n"

    def client(self, guest, first):
        """Start a client that commits rows from this one on."""
        self._rest = b""
        self._job = guest.spawn(CLIENT.format(first=first), sink=self.take)

    def grow(self, count):
        """Wait until so many more rows are acknowledged."""
        goal = len(self.rows) + count
        poll(lambda: len(self.rows) >= goal or not self._job.running(),
             scaled(300), "rows to be committed")
        if len(self.rows) < goal:
            raise BedError("the client stopped: " +
                           self._noise.decode("utf-8", "replace"))

    def client_gone(self):
        """The machine is off, and the client with it."""
        try:
            self._job.wait(scaled(30))
        except GuestDied:
            return
        raise BedError("the client outlived its machine")

    def client_stop(self):
        """Enough rows."""
        self._job.signal(signal.SIGTERM)
        self._job.wait(scaled(60))

    def longest(self, first, last):
        """Longest time between two acknowledgements among these."""
        times = self.times[first:last + 1]
        return max(late - early for early, late in zip(times, times[1:]))

    def lost(self, guest):
        """(rows in the database, those acknowledged and not there)."""
        there = {int(row) for row in guest.run(ROWS, 600).out.split()}
        return there, [row for row in self.rows if row not in there]
