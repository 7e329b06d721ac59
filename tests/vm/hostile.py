# SPDX-License-Identifier: GPL-2.0-only
"""A peer that means no good: it speaks the wire format, and lies.

It runs on node 1 and takes the place of node 2: the kernel is given one end of
a TCP connection as that node's link, the other end is ours. What came of it is
asked of the kernel: how the connection ended, and its counters.

usage: hostile.py wire      what is no message, and who is not node 2
       hostile.py stale     messages of replicas, terms, sessions that are gone
"""
import json
import select
import socket
import struct
import subprocess
import sys
import time

MAGIC = 0x57444251
HELLO, BEAT, OPEN, OPEN_REPLY, APPEND, ACK, NACK, READ = 1, 2, 4, 5, 6, 7, 8, 9
UNKNOWN, STALE_TERM, TERM_TAKEN = 7, 1, 2
CLUSTER = bytes.fromhex("5eed000000004000800000000000") + b"\0\3"
LINKS = 2
SHARD = struct.Struct("<IIQQQQQ")
MANY = 100


def _table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82f63b78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = _table()


def crc32c(data):
    """As the wire has it: not inverted at the end."""
    crc = 0xffffffff
    for byte in data:
        crc = (crc >> 8) ^ TABLE[(crc ^ byte) & 0xff]
    return crc


def message(kind, rest=b"", **head):
    """A message; what is named in head replaces what would be right."""
    def packed(crc):
        return struct.pack(
            "<IHHIIIIQQ", head.get("magic", MAGIC), head.get("version", 1),
            kind, head.get("length", 40 + len(rest)), head.get("payload", 0),
            head.get("flags", 0), crc, head.get("beat", 0), 0)
    crc = crc32c(packed(0) + rest) ^ head.get("spoil", 0)
    return packed(crc) + rest


def hello(link, **lie):
    """Who node 2 is."""
    return message(HELLO, struct.pack(
        "<16sQQQQIIHHIII", lie.get("cluster", CLUSTER), lie.get("lineage", 0),
        0, 1, 4711, lie.get("node", 2), lie.get("peer", 1),
        lie.get("number", link), lie.get("links", LINKS), 512, 16 << 20, 0))


def beat(lease=1000, reserved=0, **head):
    """A heartbeat."""
    return message(BEAT, struct.pack("<II", lease, reserved), beat=1, **head)


def append(shard, blocks=0, crc=0, **head):
    """A record at the begin of the history, or none."""
    return message(APPEND, SHARD.pack(*shard) + struct.pack(
        "<QQQQQQQIIIBBH", 0, 0, shard[3] if blocks else 0, 1 if blocks else 0,
        0, 0, 0, 0, blocks, crc, 1 if blocks else 0, 0, 0), **head)


def ack(shard):
    """All that there will ever be is durable."""
    return message(ACK, SHARD.pack(*shard) +
                   struct.pack("<QQQQ", 1 << 40, 1 << 40, 1 << 40, 1))


def open_reply(shard):
    """A promise, by a replica without history."""
    return message(OPEN_REPLY, SHARD.pack(*shard) + struct.pack(
        "<QQQQQQQII", 0, 0, 0, 0, 1, 1, 1, 512, 16 << 20))


def read(shard):
    """A question for one block."""
    return message(READ, SHARD.pack(*shard) + struct.pack("<QQII", 1, 0, 0, 1))


def qbdctl(*words, fds=()):
    """One command; its output."""
    return subprocess.run(["qbdctl", "kernel", *map(str, words)], check=True,
                          stdout=subprocess.PIPE, text=True, pass_fds=fds,
                          timeout=120).stdout


def shown(link):
    """What the kernel shows of a link to node 2."""
    rows = json.loads(qbdctl("link", "show", "--peer", 2, "--json"))
    return rows[link]


def wait_until(what, words):
    """Until it is true."""
    end = time.monotonic() + 60
    while not what():
        if time.monotonic() > end:
            sys.exit(f"not in time: {words()}")
        time.sleep(0.05)


class Peer:
    """A connection that the kernel takes for one to node 2."""

    def __init__(self, link, greeting=None):
        self.link = link
        with socket.create_server(("127.0.0.1", 0)) as server:
            theirs = socket.create_connection(server.getsockname())
            self.sock = server.accept()[0]
        self.sock.settimeout(60)
        with theirs:
            qbdctl("link", "add", "--peer", 2, "--link", link, "--fd",
                   theirs.fileno(), "--accept", fds=(theirs.fileno(),))
        self.say(greeting or hello(link))

    def say(self, data):
        """Send it."""
        self.sock.sendall(data)

    def hear(self):
        """The next message: its type, what follows its head."""
        head = self._take(40)
        fields = struct.unpack("<IHHIIIIQQ", head)
        rest = self._take(fields[3] - 40)
        self._take(fields[4])
        return fields[2], rest

    def _take(self, count):
        data = b""
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            if not part:
                raise ConnectionResetError("closed")
            data += part
        return data

    def hear_kind(self, kind):
        """The next message of that type."""
        while True:
            found, rest = self.hear()
            if found == kind:
                return rest

    def up(self):
        """Wait until it is in use."""
        self.hear_kind(BEAT)
        return self

    def closed(self):
        """Wait until the kernel ends it."""
        try:
            while True:
                self.hear()
        except (ConnectionResetError, BrokenPipeError):
            self.sock.close()


def attack(name, peer, data, error, count):
    """Say that; the connection ends with this error, and so many bad messages
    are counted in all."""
    try:
        peer.say(data)
        if error == -104:
            peer.sock.shutdown(socket.SHUT_WR)
    except (ConnectionResetError, BrokenPipeError):
        pass
    peer.closed()

    def ended():
        now = shown(0)
        if now["error"] != error or now["rx_bad"] != count:
            return False
        print(f"# {name}: {now['reason']}", flush=True)
        return True
    wait_until(ended, lambda: f"{name}, {count} bad ones: {shown(0)}")


# Errors: EPERM 1, ERANGE 34, EPROTO 71, EBADMSG 74, EILSEQ 84,
# EPROTONOSUPPORT 93, ECONNRESET 104
def wire():
    """Each on a connection of its own."""
    ghost = (7, 0, 7002, 1, 1, 1, 1)
    count = shown(0)["rx_bad"]
    for name, error, data in (
            ("bad magic", -74, beat(magic=0x12345678)),
            ("bad version", -93, beat(version=2)),
            ("unknown type", -93, message(99)),
            ("far too long", -74, beat(length=0xffffffff)),
            ("too short", -74, beat(length=40)),
            ("unknown flag", -74, beat(flags=1 << 31)),
            ("reserved field", -74, beat(reserved=1)),
            ("bad CRC", -84, beat(spoil=1)),
            ("no such lease", -34, beat(lease=0)),
            ("payload of 2 MiB", -34, append(ghost, 1, payload=2 << 20)),
            ("half a block", -34, append(ghost, 1, payload=100)),
            ("payload of a heartbeat", -74, beat(payload=4096)),
            ("damaged payload", -74,
             append(ghost, 1, crc=1, payload=4096) + bytes(4096)),
            ("zeroes", -74, bytes(4096)),
            ("many bad ones", -74, beat(magic=1) * MANY),
            ("HELLO twice", -71, hello(0))):
        count += 1
        attack(name, Peer(0).up(), data, error, count)
    attack("truncated", Peer(0).up(), beat()[:44], -104, count)
    for name, error, data in (
            ("another cluster", -1, hello(0, cluster=b"\1" * 16)),
            ("another lineage", -1, hello(0, lineage=1)),
            ("another node", -1, hello(0, node=3)),
            ("for another node", -1, hello(0, peer=9)),
            ("another link", -1, hello(0, number=1)),
            ("other number of links", -1, hello(0, links=3)),
            ("no HELLO", -71, beat())):
        count += 1
        attack(name, Peer(0, data[:8]), data[8:], error, count)


def opened(peers):
    """Wait for the leader's OPEN; on which connection, of what."""
    socks = {peer.sock: peer for peer in peers}
    while True:
        ready = select.select(socks, [], [], 60)[0]
        if not ready:
            sys.exit("the leader does not ask node 2")
        kind, rest = socks[ready[0]].hear()
        if kind == OPEN:
            return socks[ready[0]], SHARD.unpack(rest[:SHARD.size])


def refused(peer, name, data, reason):
    """It is answered by a refusal, on a connection that goes on."""
    peer.say(data)
    rest = peer.hear_kind(NACK)
    if struct.unpack_from("<I", rest, 48 + 48)[0] != reason:
        sys.exit(f"{name}: {rest.hex()}")
    print(f"# {name}: refused", flush=True)


def matched():
    """What the leader believes of node 2."""
    rows = json.loads(qbdctl("shard", "list", "--json"))
    return [(row["replica_state"], row["matched_index"]) for row in rows
            if row["node"] == 2]


def stale():
    """Valid messages, each of something that is not there any more."""
    peers = [Peer(link).up() for link in range(LINKS)]
    peer, (volume, shard, replica, term, nonce, epoch, session) = opened(peers)
    link = peer.link
    before, belief = shown(link), matched()
    own = replica - 1
    refused(peer, "APPEND to a volume that is not here",
            append((99, 0, 99002, term, nonce, epoch, session)), UNKNOWN)
    refused(peer, "READ of a replica that is not here",
            read((volume, shard, 99002, term, nonce, epoch, session)), UNKNOWN)
    refused(peer, "APPEND of an old term",
            append((volume, shard, own, term - 1, nonce, epoch, session)),
            STALE_TERM)
    refused(peer, "APPEND of another life",
            append((volume, shard, own, term, nonce ^ 1, epoch, session)),
            TERM_TAKEN)
    lies = [(volume, shard, replica, term, nonce, epoch, session - 1),
            (volume, shard, replica, term, nonce, epoch, session + 1),
            (volume, shard, replica, term, nonce ^ 1, epoch, session),
            (volume, shard, replica, term - 1, nonce, epoch, session),
            (volume, shard, 99002, term, nonce, epoch, session),
            (volume, shard, own, term, nonce, epoch, session),
            (volume, shard + 9, replica, term, nonce, epoch, session)]
    for lie in lies:
        peer.say((ack(lie) + open_reply(lie)) * MANY)
    count = before["rx_stale"] + 4 + len(lies) * 2 * MANY

    def all_counted():
        return shown(link)["rx_stale"] == count
    wait_until(all_counted, lambda: f"{count} stale ones: {shown(link)}")
    now = shown(link)
    if now["state"] != "up" or now["rx_bad"] != before["rx_bad"]:
        sys.exit(f"it is not the link's fault: {now}")
    if matched() != belief:
        sys.exit(f"the leader believes it: {matched()}, before: {belief}")
    print(f"# {count - before['rx_stale']} were counted", flush=True)


{"wire": wire, "stale": stale}[sys.argv[1]]()
