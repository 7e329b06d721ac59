# SPDX-License-Identifier: GPL-2.0-only
"""PostgreSQL through power cuts in the past of one store.

    psql -> postgres -> ext4 -> /dev/qbd0 -> store -> /dev/td_a, recorded

A client commits rows one by one and says so; out here is written down how
many operations the disk had seen before each row was sent and after it was
acknowledged. Then, for each cut: copy the disk as the cut would leave it,
open the store, mount, start PostgreSQL, let it recover, and look. The rows
must be 1 to n, each whole, with every row that had been acknowledged.

usage: pgcuts.py POINTS ROWS SEED
"""
import glob
import os
import random
import subprocess
import sys
import time

from onecopy import Volume, format_store
from td import Disk

MOUNT = "/mnt/pg"
DATA = MOUNT + "/data"
RUN = "/run/pg"
# Small and quick; what makes commits durable stays as it is.
CONFIG = f"""
listen_addresses = ''
unix_socket_directories = '{RUN}'
shared_buffers = 8MB
max_connections = 5
max_worker_processes = 0
autovacuum = off
jit = off
"""
TABLE = "create table ledger (id bigint primary key, body text)"
INSERT = ("insert into ledger values ({0}, repeat(md5({0}::text), 30));\n"
          "\\echo {0}\n")
LOOK = ("select count(*), coalesce(max(id), 0), coalesce(bool_and(body = "
        "repeat(md5(id::text), 30)), true) from ledger")


def run(*words, text=None):
    """A command as root; its output."""
    done = subprocess.run(words, input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stdout}")
    return done.stdout


def pg_words(program, *words):
    """A program of PostgreSQL, as its user."""
    where = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups",
            "--reset-env", f"{where}/{program}", *words]


def psql(text):
    """Let the server do something; the rows, unaligned."""
    return run(*pg_words("psql", "-qAtX", "-h", RUN, "-v", "ON_ERROR_STOP=1",
                         "postgres"), text=text).strip()


class Server:
    """The volume, its file system, and PostgreSQL on it."""

    def __init__(self, disk, new=False):
        self.volume = Volume(disk)
        if new:
            self.volume.create()
        file = self.volume.attach()
        self.device = os.path.realpath(f"/proc/self/fd/{file}")
        os.close(file)
        if new:
            run("mkfs.ext4", "-q", self.device)
        os.makedirs(MOUNT, exist_ok=True)
        run("mount", self.device, MOUNT)
        if new:
            self._initdb()
        run(*pg_words("pg_ctl", "-D", DATA, "-l", RUN + "/log", "-w", "-t",
                      "600", "start"))

    @staticmethod
    def _initdb():
        run("install", "-d", "-o", "postgres", "-m", "700", RUN, DATA)
        run(*pg_words("initdb", "--no-sync", "--wal-segsize=1", "-A", "trust",
                      "-D", DATA))
        with open(DATA + "/postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(CONFIG)
        run("sync", "--file-system", DATA)

    def stop(self, mode):
        """End all of it; mode "immediate" is that of pg_ctl."""
        run(*pg_words("pg_ctl", "-D", DATA, "-m", mode, "-w", "-t", "600",
                      "stop"))
        run("umount", MOUNT)
        self.volume.detach()
        self.volume.close()


def commit(disk, rows):
    """Commit rows one by one; returns operations (before, after) of each."""
    ledger = []
    with subprocess.Popen(
            pg_words("psql", "-qX", "-h", RUN, "-v", "ON_ERROR_STOP=1",
                     "postgres"), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True) as client:
        for row in range(1, rows + 1):
            before = disk.stat("record_ops")
            client.stdin.write(INSERT.format(row))
            if row % 40 == 0:
                client.stdin.write("checkpoint;\n")
            client.stdin.flush()
            said = client.stdout.readline().strip()
            if said != str(row):
                raise RuntimeError(f"row {row}: the client says '{said}'")
            ledger.append((before, disk.stat("record_ops")))
        client.stdin.close()
        if client.wait(600):
            raise RuntimeError("the client failed at its end")
    return ledger


def cut_at(disk, ledger, cut, rng):
    """One power cut; returns (least, rows found, most)."""
    least = sum(after < cut for _, after in ledger)
    most = sum(before < cut for before, _ in ledger)
    copy = disk.snapshot(cut, "b", seed=rng.randint(1, 1 << 30),
                         grain=rng.choice((512, 4096)))
    server = Server(copy)
    count, last, whole = psql(LOOK).split("|")
    server.stop("immediate")
    copy.remove()
    found = int(last)
    if int(count) != found or whole != "t" or not least <= found <= most:
        raise AssertionError(
            f"cut {cut}: {count} rows, the last is {last}, all whole: {whole};"
            f" acknowledged were {least}, sent {most}")
    return least, found, most


def main():
    """The history once, then its cuts."""
    points, rows, seed = map(int, sys.argv[1:])
    rng = random.Random(seed)
    disk = Disk("a", size="256M")
    format_store(disk)
    start = time.monotonic()
    server = Server(disk, new=True)
    psql(TABLE)
    disk.record("on", limit="400M")
    ledger = commit(disk, rows)
    last = disk.stat("record_ops")
    server.stop("fast")
    print(f"# seed {seed}: {rows} rows, {last} operations in "
          f"{time.monotonic() - start:.0f} s", flush=True)
    start = time.monotonic()
    required = kept = 0
    for i in range(points):
        # one at random out of each part, all parts equally long
        least, found, _ = cut_at(
            disk, ledger, 1 + (i * last + rng.randrange(last)) // points, rng)
        required += least
        kept += found > least
    disk.remove()
    print(f"# {points} cuts in {time.monotonic() - start:.0f} s: {required} "
          f"acknowledged rows looked for, none is missing; {kept} times the "
          "row under way is there too", flush=True)


if __name__ == "__main__":
    main()
