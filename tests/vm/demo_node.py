# SPDX-License-Identifier: GPL-2.0-only
"""A machine of the demo: its daemon, and what people ask it for."""
import json
import re

from bed import BedError, poll, scaled
from demo_say import say

NAMES = ("alpha", "beta", "gamma")
VOLUME = "data"
# For a person who looks at a machine that hangs; nothing should take so long.
WAIT_S = 300

# The state of the daemon is on a disk that outlives the machine's crash.
FORMAT = """
mkfs.ext4 -q /dev/vdb
"""
MACHINE = """
modprobe -a crc32c-intel libcrc32c
insmod "$QBD_BUILD/kmod/qbd.ko"
mkdir -p /run/qbd/state && mount /dev/vdb /run/qbd/state
chmod 700 /run/qbd/state
"""
CONF = """
[node]
name = {name}
[control]
listen = {ip}
[data]
addresses = {ip}
[daemon]
state-dir = /run/qbd/state
"""


class Node:
    """A machine and the daemon on it."""

    def __init__(self, guest):
        self.guest = guest
        self.name = NAMES[guest.number - 1]
        self.daemon = None
        self.log = bytearray()

    def qbdctl(self, words, timeout=WAIT_S):
        """Run qbdctl; returns its output."""
        return self.guest.run(f'"$QBD_USER/qbdctl" {words}', timeout).out

    def types(self, words):
        """What somebody who looks over the shoulder sees."""
        say(f"      {self.name}# qbdctl {words}")

    def show(self, words, *pick):
        """Run it with its answer; of long ones, lines with these words."""
        self.types(words)
        for line in self.qbdctl(words).splitlines():
            if not pick or any(word in line for word in pick):
                say(f"        {line}"[:110].rstrip())

    def ask(self, words):
        """What qbdctl says, as lists and dicts."""
        return json.loads(self.qbdctl(words + " --json"))

    # -- life ---------------------------------------------------------------

    def format(self):
        """An empty disk for the state of its daemon."""
        self.guest.run(FORMAT)

    def up(self):
        """What an init system would do: module, state, daemon."""
        self.guest.run(MACHINE)
        self.guest.run("cat >/run/qbd/qbdd.conf", stdin=CONF.format(
            name=self.name, ip=self.guest.ip))
        self.log.clear()
        self.daemon = self.guest.spawn(
            'exec "$QBD_USER/qbdd" --config /run/qbd/qbdd.conf',
            sink=lambda _kind, data: self.log.extend(data))
        poll(self._answers, scaled(60), f"the daemon of {self.name}",
             interval=0.2)

    def _answers(self):
        if not self.daemon.running():
            raise BedError(f"{self.name}: the daemon ended:\n" +
                           self.log.decode("utf-8", "replace"))
        return self.guest.run('"$QBD_USER/qbdctl" daemon status',
                              check=False).code == 0

    def last_words(self):
        """The end of what its daemon said."""
        lines = self.log.decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-60:]) + "\n"

    def crash(self):
        """Its plug is pulled."""
        self.guest.crash()

    def stop(self):
        """Daemon and node end; then every checksum of the store is right."""
        self.daemon.signal(15)
        self.daemon.wait(scaled(60))
        number = self.guest.number
        self.qbdctl(f"kernel node stop --id {number}")
        self.guest.run('"$QBD_USER/qbdctl" store check /dev/vda', 300)

    # -- cluster ------------------------------------------------------------

    def uuid(self):
        """Of the cluster, as stores need it."""
        return self.ask("cluster show")["uuid"]

    def voters(self):
        """How many nodes decide, and are heard."""
        return len(re.findall(r"(?:leader|voter) +alive",
                              self.qbdctl("cluster status")))

    # -- volume -------------------------------------------------------------

    def shards(self):
        """Copies of the volume's shards as their leader's kernel has them."""
        return self.ask("kernel shard list")

    def holds(self):
        """Is the volume attached here, and served?"""
        return any(row["state"] == "serving"
                   for row in self.ask("kernel volume list"))

    def wait_holds(self):
        """Until it is."""
        poll(self.holds, scaled(WAIT_S), f"the volume on {self.name}",
             interval=0.2)

    def wait_copies(self, wanted):
        """Until so many copies of each shard are in sync."""
        def there():
            good = {}
            for row in self.shards():
                good.setdefault(row["shard"], 0)
                good[row["shard"]] += row["replica_state"] == "in-sync"
            return good and set(good.values()) == {wanted}
        poll(there, scaled(WAIT_S), f"{wanted} copies in sync",
             interval=0.2)

    def received(self):
        """Bytes that came over all its links since it started."""
        return sum(row["rx_bytes"] for row in self.ask("kernel link show"))
