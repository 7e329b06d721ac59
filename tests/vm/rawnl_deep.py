# SPDX-License-Identifier: GPL-2.0-only
"""Good, bent and random requests to two nodes at once, by root twice and by
nobody; see 116_netlink_fuzz.sh, which makes the nodes' namespaces and disks.

Rounds: each begins with empty stores and no nodes, and ends in order or with
a crash, whatever is under way then. What has to hold: a request that is good
is accepted often enough to get everywhere; nobody's is never accepted; after
each round all is gone within a time; who reads what he wrote finds it.

usage: rawnl_deep.py COUNT SEED         COUNT: of messages of root
"""
import collections
import os
import random
import sys
import time

from rawnl import ACK, DUMP, REQUEST
from rawnl_bend import Bender
from rawnl_fuzz import Fuzz
from rawnl_good import example
from rawnl_world import (SERVING, Bystanders, Plan, Shared, Side, Writer,
                         connected)

ROUND = 400
SETTLE = 2                      # seconds
# A run of so many messages has written and read blocks, over links; in one of
# so many more each of these is accepted somewhere, those that take something
# away at the end of a round at the latest, and volumes of all kinds served.
ENOUGH = 800
MANY = 8000
GOALS = ("node-start", "node-stop", "node-crash", "store-add", "store-remove",
         "replica-create", "replica-delete", "replica-floor", "volume-attach",
         "volume-detach", "volume-set", "peer-add", "peer-remove", "link-add",
         "link-remove")


class Noise(Fuzz):
    """Random messages as those of rawnl_fuzz.py, for any node."""

    def __init__(self, rng, spec, side):
        super().__init__(0)
        self.rng, self.spec, self.nl = rng, spec, side.nl

    def deadly(self, cmd, body):
        """Nothing has to stay."""
        return False


class Sender:
    """One who sends to both nodes, as root."""

    def __init__(self, spec, rng, shared):
        self.spec, self.rng = spec, rng
        self.sides = [Side(spec, 1), Side(spec, 2)]
        self.noise = [Noise(rng, spec, side) for side in self.sides]
        self.plan = Plan(rng, shared)
        self.bender = Bender(rng, self.foreign)
        self.accepted = collections.Counter()
        self.codes = collections.Counter()
        self.slowest = (0, "")

    def foreign(self):
        """Attributes of a good request, any."""
        verb, how = self.rng.choice(sorted(self.spec.verbs))
        return self.spec.encode(self.spec.verbs[verb, how]["set"],
                                example(self.spec, verb, how))

    def send(self, side, verb, data):
        """One message; the answer's error."""
        start = time.monotonic()
        try:
            error = side.nl.ask(data).error
        except OSError as err:
            error = f"send: {err.errno}"
        self.slowest = max(self.slowest, (time.monotonic() - start, verb))
        self.codes[error] += 1
        return error

    def good(self, side):
        """A request that makes sense."""
        step = self.plan.deeper(side) if self.rng.random() < 0.7 else None
        self.request(side, *(step or self.plan.any(side)))

    def request(self, side, verb, values):
        """A good one; what became of it is noted."""
        about = self.spec.verbs[verb, "do"]
        if self.send(side, verb, side.nl.message(
                about["number"],
                self.spec.encode(about["set"], values))) == 0:
            self.accepted[verb] += 1
            self.plan.came(side, verb, values)

    def link(self):
        """A connection between the nodes; both are given their end."""
        here, there = self.sides
        if not (here.running and here.peer and there.running and there.peer):
            return
        number = self.rng.randrange(2)
        ends = connected(here, there)
        for side, end, accept in zip(self.sides, ends, (False, True)):
            values = {"peer": side.other, "link": number,
                      "fd": end.fileno()}
            if accept:
                values["accept"] = True
            if self.send(side, "link-add", side.nl.message(
                    self.spec.number("link-add"),
                    self.spec.encode("link", values))) == 0:
                self.accepted["link-add"] += 1
                side.links.add(number)
            end.close()

    def bent(self, side):
        """A good request with something bent in it."""
        if self.rng.random() < 0.6:
            verb, values = self.plan.any(side)
            how = "do"
        else:
            verb, how = self.rng.choice(sorted(self.spec.verbs))
            values = example(self.spec, verb, how)
        about = self.spec.verbs[verb, how]
        body = self.bender.bend(self.spec.encode(about["set"], values))
        flags = REQUEST | ACK | (DUMP if how == "dump" else 0)
        if self.rng.random() < 0.03:
            flags ^= 1 << self.rng.randrange(16)
        data = side.nl.message(about["number"], body, flags)
        if self.rng.random() < 0.05:
            data += side.nl.message(about["number"], body, flags)
        self.send(side, verb, data)

    def settle(self):
        """Everything is asked for that is not there, and has some time to
        come: a volume with two copies needs a few round trips to serve. It
        need not: others are at work, too."""
        end = time.monotonic() + SETTLE
        while time.monotonic() < end:
            for side in self.sides:
                side.look()
                step = self.plan.deeper(side)
                if step:
                    self.request(side, *step)
            here, there = self.sides
            if len(here.links & there.links) < 2:
                self.link()
            if all(here.volumes.get(volume, (0,))[0] == SERVING
                   for volume in (2, 3)):
                return
            time.sleep(0.05)

    def run(self, count, each=lambda: None):
        """So many messages."""
        for number in range(count):
            side = self.rng.choice(self.sides)
            kind = self.rng.random()
            if kind < 0.45:
                self.good(side)
            elif kind < 0.5 or not side.links and kind < 0.55:
                self.link()
            elif kind < 0.9:
                self.bent(side)
            else:
                self.send(side, "noise", self.noise[side.number - 1].next())
            if number % 25 == 24:
                for one in self.sides:
                    one.look()
                each()
            if self.rng.random() < 0.006:
                self.settle()
                each()


class Round:
    """From empty stores to nothing."""

    def __init__(self, fuzz, number):
        self.fuzz, self.rng = fuzz, fuzz.rng
        self.orderly = number % 2 == 0
        self.writers = {}

    def child(self, work, *args):
        """Another process that does it; its pid."""
        sys.stdout.flush()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            code = work(*args)
        except BaseException as err:  # pylint: disable=broad-except
            print(f"{work.__name__}: {type(err).__name__}: {err}")
        finally:
            sys.stdout.flush()
            os._exit(code)

    def look(self):
        """Write to what serves now; what serves, is linked, is noted."""
        for side in self.fuzz.root.sides:
            self.fuzz.links = max(self.fuzz.links, len(side.links))
            for volume, (state, device) in side.volumes.items():
                self.fuzz.states[volume, state] += 1
                writer = self.writers.get(device)
                if state == SERVING and device and not (
                        writer and writer.is_alive()):
                    self.fuzz.served.add(volume)
                    self.note(writer)
                    self.writers[device] = Writer(
                        device if "/" in device else f"/dev/{device}",
                        side.number,
                        random.Random(self.rng.random()))
                    self.writers[device].start()

    def note(self, writer):
        """It has ended."""
        if writer:
            self.fuzz.blocks += writer.count
            if writer.wrong:
                raise SystemExit(writer.wrong)

    def finish(self):
        """Nothing is left, and no writer waits for ever."""
        for writer in self.writers.values():
            writer.enough.set()
        for side in self.fuzz.root.sides:
            side.end(self.orderly, self.fuzz.root.accepted)
        for writer in self.writers.values():
            writer.join(60)
            if writer.is_alive():
                raise SystemExit(f"{writer.device}: I/O without an end")
            self.note(writer)

    def run(self, count):
        """All of it."""
        fuzz = self.fuzz
        for side in fuzz.root.sides:
            side.format()
        fuzz.root.plan.shared.fresh()
        seeds = [self.rng.getrandbits(64) for _ in range(2)]
        others = [self.child(racer, fuzz.root, seeds[0], count // 3),
                  self.child(nobody, fuzz.root, seeds[1], count // 3)]
        fuzz.root.run(count, self.look)
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                 for pid in others]
        self.finish()
        if any(codes):
            raise SystemExit(f"racer and nobody: exit codes {codes}")


def racer(root, seed, count):
    """A second one with the same plan, at the same time."""
    other = Sender(root.spec, random.Random(seed), root.plan.shared)
    other.run(count)
    return 0


def nobody(root, seed, count):
    """Who has no capability is refused, whatever he sends."""
    sender = Sender(root.spec, random.Random(seed), root.plan.shared)
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    bad = 0
    for number in range(count):
        side = sender.rng.choice(sender.sides)
        verb, how = sender.rng.choice(sorted(root.spec.verbs))
        about = root.spec.verbs[verb, how]
        body = sender.spec.encode(about["set"],
                                  example(root.spec, verb, how))
        if number % 2:
            body = sender.bender.bend(body)
        answer = side.nl.ask(side.nl.message(
            about["number"], body,
            REQUEST | ACK | (DUMP if how == "dump" else 0)))
        if answer.error != -1 or answer.objects:
            bad += 1
            print(f"nobody: {verb} ({how}): {answer}")
    return bad != 0


class Deep:
    """All rounds."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.root = Sender(Fuzz(0).spec, self.rng, Shared())
        self.links = self.blocks = 0
        self.served = set()
        self.states = collections.Counter()

    def run(self, count):
        """So many messages; True if not all of it was reached."""
        bystanders = Bystanders(self.root.spec)
        for number in range((count + ROUND - 1) // ROUND):
            Round(self, number).run(min(ROUND, count - number * ROUND))
        if not bystanders.end():
            raise SystemExit("the bystanders are not linked any more")
        root = self.root
        print(f"accepted: {dict(root.accepted)}")
        print(f"answers: {dict(root.codes.most_common())}")
        print(f"(volume, state): {dict(self.states)}")
        print(f"volumes that served: {sorted(self.served)}; {self.blocks} "
              f"blocks read back; links up: {self.links}; slowest request: "
              f"{root.slowest[0] * 1000:.0f} ms ({root.slowest[1]})")
        missing = [verb for verb in GOALS if not root.accepted[verb]]
        if missing:
            print(f"never accepted: {missing}")
        # what chance need not bring a short run is asked of a long one only
        short = count < MANY and (not self.blocks or not self.links)
        long = count >= MANY and (missing or len(self.served) < 3)
        if short or long:
            print("not all was reached")
        return count >= ENOUGH and bool(short or long)


if __name__ == "__main__":
    sys.exit(Deep(int(sys.argv[2])).run(int(sys.argv[1])))
