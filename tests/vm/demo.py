#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The demo: a database on three machines, and machines that are killed.

	alpha ------- beta ------- gamma
	PostgreSQL    a copy       a copy
	ext4          |            |
	/dev/qbd0     vda          vda
	and a copy

The client beside the database says which row it has committed after each
commit; that ledger is kept out here, where no crash of a machine reaches it.
Whatever died, every row of the ledger must be in the database in the end.
"""
import argparse
import contextlib
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
import demo_db as db  # noqa: E402
from bed import Bed, BedError  # noqa: E402
from demo_node import (LEASE_MS, NAMES, SHARD, SHARDS,  # noqa: E402
                       Node)
from demo_say import (Check, Step, say, size, table,  # noqa: E402
                      together)


class Lost(BedError):
    """What must never be raised."""


def show_copies(leader):
    """Who has how much of each shard, as its leader knows it."""
    copies = leader.copies()
    rows = []
    for number, name in enumerate(NAMES, 1):
        cells = [f"{copies[number, shard]['replica_state']}, "
                 f"{copies[number, shard]['durable_index'] or '-'}"
                 for shard in range(SHARDS)]
        rows.append([name, *cells])
    table(["copy, last record", *(f"shard {i}" for i in range(SHARDS))],
          *rows)


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


def create(nodes):
    """Stores, links, copies, volume, file system, database."""
    alpha = nodes[0]
    say("\n1. Three nodes, a volume of two shards, three copies of each")
    with Step("format the disks as stores"):
        together(Node.format, *nodes)
    with Step("start the nodes, open the stores, connect the links"):
        together(Node.up, *nodes)
        together(Node.wait_linked, *nodes)
    with Step("create a copy of each shard on each node"):
        together(Node.create, *nodes)
    with Check("attach on alpha under term 1: /dev/qbd0 appears"):
        alpha.attach(1)
    with Check("all copies are in sync"):
        for node in nodes:
            alpha.wait_copies(node.number, True)
    with Step("ext4, initdb, start PostgreSQL"):
        db.create(alpha.guest)
    show_copies(alpha)


def follower_dies(nodes, ledger, rows):
    """Commits go on without a follower."""
    alpha, _, gamma = nodes
    say("\n2. A client commits rows; then a follower's machine is killed")
    ledger.client(alpha.guest, 1)
    with Check(f"{rows} rows, each acknowledged"):
        ledger.grow(rows)
    with Step("SIGKILL gamma"):
        gamma.guest.crash()
        killed = len(ledger.rows)
    with Check(f"{rows} more rows"):
        ledger.grow(rows)
        last = len(ledger.rows) - 1
    say(f"      longest wait for a commit: before "
        f"{ledger.longest(0, killed - 1):.2f} s, "
        f"since {ledger.longest(killed - 1, last):.2f} s")
    with Check("alpha goes on without gamma, and keeps asking for it"):
        alpha.wait_copies(gamma.number, False)
    show_copies(alpha)


def comes_back(leader, node, ledger):
    """Boot, open, catch up: what that took."""
    with Step("boot"):
        node.guest.restart()
    with Step("start the node, open the store: replay the log"):
        node.up()
    had = node.ends()
    with Step("connect the links"):
        node.wait_linked()
    with Check("catch up, while the client goes on committing"):
        leader.wait_copies(node.number, True)
    received = node.received()
    copies = leader.copies()
    now = [copies[node.number, shard]["durable_index"]
           for shard in range(SHARDS)]
    table(["records of", "it had", "it has", "missed"],
          *([f"shard {shard}", had[shard][1], now[shard],
             now[shard] - had[shard][1]] for shard in range(SHARDS)))
    say(f"      received in all: {size(received)}; "
        f"the volume has {size(SHARD * SHARDS)}")
    show_copies(leader)
    say(f"      rows acknowledged so far: {len(ledger.rows)}")


def leader_dies(nodes, ledger, rows):
    """Another node takes over; nothing that was acknowledged is missing."""
    alpha, beta, _ = nodes
    say("\n4. The leader's machine is killed, PostgreSQL and client with it")
    with Step(f"{rows} more rows"):
        ledger.grow(rows)
    with Step("SIGKILL alpha"):
        alpha.guest.crash()
        ledger.client_gone()
    died = time.monotonic()
    known = len(ledger.rows)
    say(f"      the ledger out here has {known} rows, the last is "
        f"{ledger.rows[-1]}")
    with Check("attach on beta under term 2, when alpha's lease is over"):
        beta.attach(2)
    with Check("fsck: the journal, then a full check"):
        db.fsck(beta.guest)
    with Check("mount, start PostgreSQL: it recovers"):
        beta.guest.run(db.MOUNT)
        beta.guest.run(db.START, 600)
    newest = check_rows(ledger, beta.guest)
    ledger.client(beta.guest, newest + 1)
    with Check(f"{rows} more rows, committed on beta"):
        ledger.grow(rows)
    say(f"      the first of them {ledger.times[known] - died:.0f} s after "
        "alpha died")


def leader_returns(nodes, ledger):
    """The former leader is a follower now."""
    alpha, beta, _ = nodes
    say("\n5. The former leader's machine comes back, as a follower's")
    comes_back(beta, alpha, ledger)
    with Step("stop the client"):
        ledger.client_stop()
    check_rows(ledger, beta.guest)


def finish(nodes):
    """Take it apart, in order; the stores have to be sound."""
    beta = nodes[1]
    say("\n6. The end")
    with Step("stop PostgreSQL, unmount, detach"):
        beta.guest.run(db.STOP, 600)
        beta.qbdctl("kernel volume detach --id 1")
    ends = [node.ends() for node in nodes]
    table(["log ends at", *(f"shard {i}" for i in range(SHARDS))],
          *([node.name, *(f"term {end[i][0]}, record {end[i][1]}"
                          for i in range(SHARDS))]
            for node, end in zip(nodes, ends)))
    with Check("stop the nodes, check every checksum of the stores"):
        together(Node.stop, *nodes)


def story(rows):
    """All of it."""
    ledger = db.Ledger()
    say("qbd: three machines, three copies, two power plugs\n")
    say("  Emulated machines on a busy host: everything takes 10 to 15 times "
        "as long as\n  it would, and some clocks are late. So the nodes ask "
        f"for a lease of {LEASE_MS // 1000} s,\n  where the default is "
        "1.5 s: that is how long a take-over waits.\n")
    bed = Bed(kernel="debian", guests=len(NAMES), cpus=1, mem="768M",
              disks=["2G"], allow=("stall",))
    bed.env["PG"] = db.bindir()
    with contextlib.ExitStack() as stack:
        with Step("boot " + ", ".join(NAMES)):
            stack.enter_context(bed)
        nodes = [Node(guest) for guest in bed.guests]
        create(nodes)
        follower_dies(nodes, ledger, rows)
        say("\n3. The follower's machine comes back")
        comes_back(nodes[0], nodes[2], ledger)
        leader_dies(nodes, ledger, rows)
        leader_returns(nodes, ledger)
        finish(nodes)


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
