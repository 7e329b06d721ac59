# SPDX-License-Identifier: GPL-2.0-only
"""qbd on one machine of the demo, by its command line.

Replica ids are made up here: that of shard S on node N is 10 * (S + 1) + N.
"""
import json

from bed import BedError, poll, scaled

CLUSTER = "6c2f2b1e-6c11-4a4e-9f0c-1d8f3f0f8a01"
NAMES = ("alpha", "beta", "gamma")
SHARD = 256 << 20
SHARDS = 2
PORT = 7789
LEASE_MS = 10000
# For a person who looks at a machine that hangs; nothing should take so long.
WAIT_S = 300

MODULE = """
modprobe -a crc32c-intel libcrc32c
insmod "$QBD_BUILD/kmod/qbd.ko"
"""


def members(shard):
    """Who holds copies of a shard, as qbdctl says it."""
    return ",".join(f"{node}:{10 * (shard + 1) + node}"
                    for node in range(1, len(NAMES) + 1))


class Node:
    """A machine and the node on it."""

    def __init__(self, guest):
        self.guest = guest
        self.number = guest.number
        self.name = NAMES[guest.number - 1]
        self.links = None
        self.links_log = bytearray()

    def qbdctl(self, words, timeout=WAIT_S):
        """Run qbdctl; returns its output."""
        return self.guest.run(f'"$QBD_USER/qbdctl" {words} --timeout '
                              f"{WAIT_S}", timeout + 30).out

    def ask(self, words):
        """What qbdctl shows, as lists and dicts."""
        return json.loads(self.qbdctl(words + " --json"))

    # -- life ---------------------------------------------------------------

    def format(self):
        """Its disk becomes a store."""
        self.guest.run(f'"$QBD_USER/qbdctl" store format /dev/vda '
                       f"--cluster {CLUSTER}")

    def up(self):
        """Module, node, store, links: what it does when it starts."""
        self.guest.run(MODULE)
        self.qbdctl(f"kernel node start --id {self.number} --name "
                    f"{self.name} --cluster {CLUSTER} --lease-ms {LEASE_MS}")
        self.qbdctl("kernel store add /dev/vda")
        lines = [f"listen {self.guest.ip}:{PORT}"]
        lines += [f"peer {other.number} {other.ip}:{PORT}"
                  for other in self.guest.bed.guests]
        self.guest.run("cat >/run/links.conf", stdin="\n".join(lines) + "\n")
        self.links_log.clear()
        self.links = self.guest.spawn(
            'exec "$QBD_USER/qbdctl" kernel links /run/links.conf',
            sink=lambda _kind, data: self.links_log.extend(data))

    def linked(self):
        """All its links to the peers are up."""
        if not self.links.running():
            raise BedError(f"{self.name}: the links ended: "
                           + self.links_log.decode("utf-8", "replace"))
        peers = self.ask("kernel peer show")
        return len(peers) == len(NAMES) - 1 and all(
            peer["state"] == "up" for peer in peers)

    def wait_linked(self):
        """Until its peers are connected."""
        poll(self.linked, scaled(120), f"links of {self.name}",
             interval=0.2)

    def stop(self):
        """Close the store in order, and see that all of it is sound."""
        self.qbdctl(f"kernel node stop --id {self.number}")
        self.links.wait(scaled(60))
        self.guest.run('"$QBD_USER/qbdctl" store check /dev/vda', 300)

    # -- volume -------------------------------------------------------------

    def create(self):
        """A copy of each shard, empty."""
        store = self.ask("kernel store list")[0]["uuid"]
        for shard in range(SHARDS):
            self.qbdctl(f"kernel replica create --id "
                        f"{10 * (shard + 1) + self.number} --volume 1 "
                        f"--shard {shard} --store {store} --size {SHARD} "
                        f"--epoch 1 --members {members(shard)}")

    def attach(self, term):
        """Lead all shards; /dev/qbd0 appears."""
        shards = " ".join(f"--shard {shard}:1:{members(shard)}"
                          for shard in range(SHARDS))
        self.qbdctl(f"kernel volume attach --id 1 --name data --size "
                    f"{SHARD * SHARDS} --shard-size {SHARD} --term {term} "
                    f"{shards}")

    # -- what it knows ------------------------------------------------------

    def copies(self):
        """As the leader sees them: (node, shard) -> a row of shard list."""
        return {(row["node"], row["shard"]): row
                for row in self.ask("kernel shard list")}

    def states(self, number):
        """States of the copies on a node."""
        return {row["replica_state"] for (node, _), row
                in self.copies().items() if node == number}

    def wait_copies(self, number, wanted):
        """Until all copies on a node are in sync, or all are not."""
        def there():
            states = self.states(number)
            return states == {"in-sync"} if wanted else \
                "in-sync" not in states
        poll(there, scaled(WAIT_S), f"copies on {NAMES[number - 1]} to be "
             f"{'in sync' if wanted else 'left behind'}", interval=0.2)

    def ends(self):
        """Where the log of each of its copies ends: shard -> term, index."""
        return {row["shard"]: (row["last_term"], row["last_index"])
                for row in self.ask("kernel replica list")}

    def received(self):
        """Bytes that came over all its links since it started."""
        return sum(row["rx_bytes"] for row in self.ask("kernel link show"))
