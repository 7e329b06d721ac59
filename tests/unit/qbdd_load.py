# SPDX-License-Identifier: GPL-2.0-only
"""Clients of a daemon that each have one command under way."""
import json
import selectors
import socket
import time

QUIET_S = 30  # without an answer: something hangs
NODES = 3  # that are labelled


class Client:
    """A connection to a daemon, with one command under way."""

    def __init__(self, path, number):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.setblocking(False)
        self.number = number
        self.asked = 0
        self.begun = 0.0
        self.text = b""

    def ask(self):
        self.asked += 1
        line = json.dumps({
            "id": self.asked, "verb": "node label",
            "args": {"name": f"n{self.number % NODES + 1}",
                     "rack": f"c{self.number}-{self.asked}"}})
        self.begun = time.monotonic()
        self.socket.sendall(line.encode() + b"\n")

    def answer(self):
        """Seconds that it took; None: it is not here yet."""
        more = self.socket.recv(65536)
        if not more:
            raise SystemExit("a daemon closed the connection")
        self.text += more
        if not self.text.endswith(b"\n"):
            return None
        took = time.monotonic() - self.begun
        said = json.loads(self.text)
        self.text = b""
        if "ok" not in said:
            raise SystemExit(f"refused: {said}")
        return took


def until(seconds):
    """Of load(): as long as that."""
    end = time.monotonic() + seconds
    return lambda answered: time.monotonic() < end


def load(path, clients, more):
    """Latencies of what was answered, and how long all of it took; more(how
    many were answered) says whether to go on.
    """
    took = []
    with selectors.DefaultSelector() as select:
        for number in range(clients):
            client = Client(path, number)
            select.register(client.socket, selectors.EVENT_READ, client)
            client.ask()
        begun = time.monotonic()
        while len(select.get_map()):
            ready = select.select(QUIET_S)
            if not ready:
                raise SystemExit(f"no answer for {QUIET_S} s")
            for key, _ in ready:
                one = key.data.answer()
                if one is None:
                    continue
                took.append(one)
                if more(len(took)):
                    key.data.ask()
                else:
                    select.unregister(key.data.socket)
                    key.data.socket.close()
        return sorted(took), time.monotonic() - begun
