# SPDX-License-Identifier: GPL-2.0-only
"""Bends the attributes of a good request, anywhere in the tree of its nests:
other numbers, lengths that lie, order, doubles, nests in nests, other values.
"""
from rawnl import NESTED, attribute

# What boundaries are made of.
EDGES = (0, 1, 2, 7, 8, 9, 63, 64, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff,
         0x80000000, 0xffffffff, 1 << 32, (1 << 63) - 1, 1 << 63,
         (1 << 64) - 4096, (1 << 64) - 1)
DEPTH_MAX = 40


def split(data):
    """[number with its flags, bytes, length that it says or None] of each."""
    rows = []
    while len(data) >= 4:
        length = int.from_bytes(data[:2], "little")
        if not 4 <= length <= len(data):
            break
        rows.append([int.from_bytes(data[2:4], "little"), data[4:length],
                     None])
        data = data[(length + 3) & ~3:]
    return rows


def join(rows):
    """The bytes of rows."""
    return b"".join(attribute(kind, data, lie) for kind, data, lie in rows)


class Bender:
    """Bends by what a generator of random numbers says; foreign() gives
    attributes of other requests."""

    def __init__(self, rng, foreign):
        self.rng = rng
        self.foreign = foreign
        self.ways = (self.drop, self.double, self.swap, self.number, self.flag,
                     self.length, self.length, self.resize, self.value,
                     self.value, self.value, self.bits, self.deeper,
                     self.graft)

    def bend(self, body):
        """A body of a message: one to four things are other than they were."""
        for _ in range(self.rng.choice((1, 1, 1, 2, 3, 4))):
            body = self.once(body)
        if self.rng.random() < 0.1:
            body = body[:self.rng.randrange(len(body) + 1)]
        elif self.rng.random() < 0.1:
            body += self.rng.randbytes(self.rng.randrange(1, 20))
        return body

    def once(self, body):
        """One thing, here or in a nest that is in here."""
        rows = split(body)
        nests = [row for row in rows if row[0] & NESTED]
        if nests and self.rng.random() < 0.6:
            row = self.rng.choice(nests)
            row[1] = self.once(row[1])
        elif rows:
            self.rng.choice(self.ways)(rows)
        else:
            rows = split(self.foreign())
        return join(rows)

    def at(self, rows):
        """A place."""
        return self.rng.randrange(len(rows))

    def drop(self, rows):
        """One is not there."""
        del rows[self.at(rows)]

    def double(self, rows):
        """One is there again, or very often."""
        row = rows[self.at(rows)]
        count = self.rng.choice((1, 1, 2, 8, 200))
        if len(row[1]) * count < 1 << 15:
            rows.extend([list(row) for _ in range(count)])

    def swap(self, rows):
        """Another order."""
        self.rng.shuffle(rows)

    def number(self, rows):
        """Another attribute, or one that there is not."""
        row = rows[self.at(rows)]
        row[0] = row[0] & 0xc000 | self.rng.choice(
            (0, self.rng.randrange(24), self.rng.randrange(0x4000)))

    def flag(self, rows):
        """A nest that is none, a value that is one, bytes of the net."""
        rows[self.at(rows)][0] ^= self.rng.choice((NESTED, 0x4000, 0xc000))

    def length(self, rows):
        """It says another length than it has."""
        row = rows[self.at(rows)]
        has = 4 + len(row[1])
        row[2] = self.rng.choice((0, 1, 3, 4, max(0, has - 1), has + 1,
                                  has + 4, 0x7fff, 0xffff))

    def resize(self, rows):
        """Fewer bytes, or more."""
        row = rows[self.at(rows)]
        if self.rng.random() < 0.5:
            row[1] = row[1][:self.rng.randrange(len(row[1]) + 1)]
        else:
            row[1] += self.rng.randbytes(self.rng.choice((1, 4, 64, 4096)))

    def value(self, rows):
        """Something at an edge."""
        row = rows[self.at(rows)]
        value = self.rng.choice(EDGES)
        row[1] = value.to_bytes(8, "little")[:self.rng.choice(
            (len(row[1]) or 4, 4, 8))]

    def bits(self, rows):
        """Flipped."""
        row = rows[self.at(rows)]
        if row[1]:
            data = bytearray(row[1])
            data[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
            row[1] = bytes(data)

    def deeper(self, rows):
        """It is in a nest, which is in a nest."""
        row = rows[self.at(rows)]
        kind = self.rng.randrange(24) | NESTED
        for _ in range(self.rng.randrange(1, DEPTH_MAX)):
            row[1] = attribute(row[0], row[1])
            row[0] = kind

    def graft(self, rows):
        """Something of another request."""
        rows[self.at(rows):0] = split(self.foreign())
