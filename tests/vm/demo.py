#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The demo: three machines, a database, and machines that are killed.

	alpha ------- beta ------- gamma
	PostgreSQL    a copy       a copy
	ext4          |            |
	/dev/qbd0     vda          vda
	and a copy

On each machine a daemon, made a cluster by three commands. The client beside
the database says which row it has committed after each commit; that ledger is
kept out here, where no crash of a machine reaches it. Whatever died, every row
of the ledger must be in the database in the end, wherever it runs then.
"""
import argparse
import contextlib
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import demo_db as db  # noqa: E402
from bed import Bed, BedError, poll, scaled  # noqa: E402
from demo_node import NAMES, VOLUME, Node  # noqa: E402
from demo_say import (Check, Step, say, size, table,  # noqa: E402
                      together)

COPIES = len(NAMES)
LEASE_MS = 10000
SUSPECT_MS = 8000


class Lost(BedError):
    """What must never be raised."""


def check_rows(ledger, guest):
    """Every acknowledged row is in the database, or this is the end."""
    with Check("every acknowledged row is in the database"):
        there, lost = ledger.lost(guest)
        if lost:
            raise Lost(f"LOST: {len(lost)} of {len(ledger.rows)} rows, "
                       f"such as {lost[:20]}")
    table(["rows acknowledged", "in the database", "lost"],
          [len(ledger.rows), len(there), len(lost)])
    return max(there)


def goes_on(node, ledger, rows, newest):
    """Clients come back; the time since the last commit."""
    known = len(ledger.rows)
    ledger.client(node.guest, newest + 1)
    with Check(f"{rows} more rows, committed on {node.name}"):
        ledger.grow(rows)
    say(f"      without a commit for "
        f"{ledger.times[known] - ledger.times[known - 1]:.0f} s")


def does(node, words, text, *then):
    """A command, and what has to come of it."""
    node.types(words)
    with Check(text):
        node.qbdctl(words)
        for wait in then:
            wait()


def cluster(nodes):
    """Three commands."""
    alpha, beta, gamma = nodes
    say("\n1. Three machines become a cluster, by three commands")
    with Step("start qbdd on each"):
        together(Node.format, *nodes)
        together(Node.up, *nodes)
    alpha.show("cluster init demo")
    answer = alpha.ask("token create --uses 2")
    say("      alpha# qbdctl token create --uses 2")
    for node in (beta, gamma):
        say(f"      {node.name}# qbdctl cluster join {alpha.guest.ip} "
            f"--token {answer['token'][:12]}...")
        node.qbdctl(f"cluster join {alpha.guest.ip} "
                    f"--token {answer['token']}")
    with Check("three nodes decide, each hears the others"):
        poll(lambda: alpha.voters() == COPIES, scaled(120), "three voters",
             interval=0.5)
    for words in (f"cluster set lease-ms --value {LEASE_MS}",
                  f"cluster set suspect-after-ms --value {SUSPECT_MS}"):
        alpha.types(words)
        alpha.qbdctl(words)
    uuid = alpha.uuid()
    say("      each#  qbdctl store format /dev/vda --cluster UUID")
    say("      each#  qbdctl store add /dev/vda")
    with Step("a store on each"):
        together(lambda node: node.qbdctl(
            f"store format /dev/vda --cluster {uuid}"), *nodes)
        together(lambda node: node.qbdctl("store add /dev/vda"), *nodes)


def volume(nodes):
    """One command; a database, and who runs it from then on."""
    alpha = nodes[0]
    say("\n2. A volume of two shards, by one command; a database on it")
    does(alpha, f"volume create {VOLUME} --size 512M --shard-size 256M",
         "three copies of each shard, on three nodes")
    does(alpha, f"volume attach {VOLUME} --node alpha", "attached on alpha",
         alpha.wait_holds)
    with Check("all copies are in sync"):
        alpha.wait_copies(COPIES)
    with Step("ext4, initdb"):
        db.create(alpha.guest, "/dev/qbd0")
    for node in nodes:
        db.program(node.guest)
    does(alpha,
         f"volume set {VOLUME} --auto-attach alpha,beta --run {db.WHERE}",
         "qbd runs PostgreSQL where the volume is",
         lambda: db.wait_runs(alpha.guest))
    db.table(alpha.guest)
    alpha.show(f"volume show {VOLUME}")


def follower_dies(nodes, ledger, rows):
    """Commits go on without a follower; it comes back by itself."""
    alpha, _, gamma = nodes
    say("\n3. A client commits rows; then the machine of a copy is killed")
    ledger.client(alpha.guest, 1)
    with Check(f"{rows} rows, each acknowledged"):
        ledger.grow(rows)
    with Step("SIGKILL gamma"):
        gamma.crash()
        killed = len(ledger.rows)
    with Check(f"{rows} more rows"):
        ledger.grow(rows)
        last = len(ledger.rows) - 1
    say(f"      longest wait for a commit: before "
        f"{ledger.longest(0, killed - 1):.2f} s, "
        f"since {ledger.longest(killed - 1, last):.2f} s")
    with Check("alpha goes on without gamma"):
        alpha.wait_copies(COPIES - 1)
    alpha.show("cluster status", "gamma", "WRONG", "wrong", "hint")
    comes_back(alpha, gamma, ledger)


def comes_back(holder, node, ledger):
    """Boot, daemon; all else is done without anybody."""
    with Step(f"boot {node.name}, start qbdd"):
        node.guest.restart()
        node.up()
        db.program(node.guest)
    with Check("it catches up by itself"):
        holder.wait_copies(COPIES)
    say(f"      received {size(node.received())}; the volume has "
        f"{size(512 << 20)}; rows acknowledged so far: {len(ledger.rows)}")


def holder_dies(nodes, ledger, rows):
    """The promoter brings the database back elsewhere."""
    alpha, beta, _ = nodes
    say("\n4. The machine with the database is killed. Nobody does anything")
    with Step(f"{rows} more rows"):
        ledger.grow(rows)
    with Step("SIGKILL alpha, with the database and its client"):
        alpha.crash()
        ledger.client_gone()
    say(f"      the ledger out here has {len(ledger.rows)} rows, the last is "
        f"{ledger.rows[-1]}")
    with Check("beta has the volume"):
        beta.wait_holds()
    with Check("beta has the database: fsck, mount, recovery"):
        db.wait_runs(beta.guest)
    newest = check_rows(ledger, beta.guest)
    goes_on(beta, ledger, rows, newest)


def moves_back(nodes, ledger, rows):
    """The former holder returns as a copy; then the volume is moved."""
    alpha, beta, _ = nodes
    say("\n5. Alpha comes back, as a copy; then everything is moved there")
    comes_back(beta, alpha, ledger)
    with Step("stop the client"):
        ledger.client_stop()
    does(beta, f"volume attach {VOLUME} --node alpha",
         "PostgreSQL ends on beta, the volume moves", alpha.wait_holds)
    with Check("PostgreSQL runs on alpha"):
        db.wait_runs(alpha.guest)
    newest = check_rows(ledger, alpha.guest)
    goes_on(alpha, ledger, rows, newest)
    with Step("stop the client"):
        ledger.client_stop()
    check_rows(ledger, alpha.guest)


def finish(nodes):
    """Take it apart, in order; the stores have to be sound."""
    alpha = nodes[0]
    say("\n6. The end")
    does(alpha, f"volume detach {VOLUME}", "PostgreSQL ends, then the device",
         lambda: poll(lambda: not alpha.ask("kernel volume list"),
                      scaled(300), "no volume on alpha", interval=0.2))
    with Check("stop the nodes, check every checksum of the stores"):
        together(Node.stop, *nodes)


def story(rows):
    """All of it."""
    ledger = db.Ledger()
    say("qbd: three machines, three copies, two power plugs\n")
    say("  Emulated machines on a busy host: everything takes 10 to 15 times "
        "as long as\n  it would, and some clocks are late. So this cluster "
        f"is told to have leases\n  of {LEASE_MS // 1000} s (default: 1.5 s) "
        f"and to take a machine for dead after {SUSPECT_MS // 1000} s\n"
        "  (1.5 s): that is how long a failover waits here.\n")
    bed = Bed(kernel="debian", guests=len(NAMES), cpus=1, mem="768M",
              disks=["2G", "64M"], allow=("stall",))
    bed.env["PG"] = db.bindir()
    with contextlib.ExitStack() as stack:
        with Step("boot " + ", ".join(NAMES)):
            stack.enter_context(bed)
        nodes = [Node(guest) for guest in bed.guests]
        try:
            cluster(nodes)
            volume(nodes)
            follower_dies(nodes, ledger, rows)
            holder_dies(nodes, ledger, rows)
            moves_back(nodes, ledger, rows)
            finish(nodes)
        except BedError:
            for node in nodes:
                sys.stderr.write(f"\n--- qbdd on {node.name}\n"
                                 + node.last_words())
            raise


def rows_type(text):
    """At least two: there is a time between them."""
    rows = int(text)
    if rows < 2:
        raise ValueError
    return rows


def main():
    """Parse, tell, judge."""
    parser = argparse.ArgumentParser(description="qbd: the demo")
    parser.add_argument("--rows", type=rows_type, default=100,
                        help="rows to commit before each event")
    args = parser.parse_args()
    began = time.monotonic()
    try:
        story(args.rows)
    except BedError as error:
        print(f"\ndemo: {error}", file=sys.stderr, flush=True)
        say(f"{Check.passed} passed, 1 failed")
        sys.exit(1)
    say(f"\nNothing was lost. ({time.monotonic() - began:.0f} s)\n"
        "Next: README.md; 'scripts/testbed shell' for a machine to play with."
        f"\n\n{Check.passed} passed, 0 failed")


if __name__ == "__main__":
    main()
