# SPDX-License-Identifier: GPL-2.0-only
"""Frames between a runner on the host and the agent inside a guest.

A serial line carries bytes, not messages, so everything is cut into frames:
magic (1), kind (1), job number (2), length (2), CRC-32 of all that (4). The
line itself loses nothing; the CRC is there because a second writer on the
port (a stray getty, a kernel console) has to be noticed, not guessed.

Used by both ends, so it imports nothing that is slow to load in a guest; a
marshalled dict will do because both ends run the same interpreter.
"""
import struct
import zlib

MAGIC = 0xB5
MAX_PAYLOAD = 2048

HELLO = ord("H")      # agent -> runner: marshalled dict, the guest is ready
PING = ord("P")       # runner -> agent: say HELLO again
RUN = ord("R")        # runner -> agent: marshalled dict, start a job
INPUT = ord("I")      # runner -> agent: bytes for the job's standard input
EOF = ord("Z")        # runner -> agent: no more input
SIGNAL = ord("S")     # runner -> agent: marshalled dict, signal for the job's group
WINSIZE = ord("W")    # runner -> agent: marshalled dict, size of the terminal
STDOUT = ord("O")     # agent -> runner: bytes the job wrote
STDERR = ord("E")     # agent -> runner: same, on standard error
EXIT = ord("X")       # agent -> runner: marshalled dict, the job has ended

_HEAD = struct.Struct("<BBHH")
_CRC = struct.Struct("<I")
OVERHEAD = _HEAD.size + _CRC.size


class BadFrame(Exception):
    """The bytes on the line are not frames."""


def pack(kind, job, payload=b""):
    """One message as bytes; long payloads become several frames."""
    out = []
    for at in range(0, len(payload) or 1, MAX_PAYLOAD):
        part = payload[at:at + MAX_PAYLOAD]
        head = _HEAD.pack(MAGIC, kind, job, len(part))
        out.append(head)
        out.append(_CRC.pack(zlib.crc32(part, zlib.crc32(head))))
        out.append(part)
    return b"".join(out)


class Decoder:
    """Cuts a stream of bytes into (kind, job, payload).

    Bytes before the first good frame are skipped: a terminal that is not
    raw yet echoes, and a former user of the line may have been killed half
    way through a frame. After that every byte has to be right.
    """

    def __init__(self):
        self._buf = bytearray()
        self._synced = False

    def feed(self, data):
        """Add bytes; return the list of frames that are complete."""
        self._buf += data
        frames = []
        while len(self._buf) >= OVERHEAD:
            magic, kind, job, length = _HEAD.unpack_from(self._buf)
            if magic != MAGIC or length > MAX_PAYLOAD:
                self._skip("no frame")
                continue
            end = OVERHEAD + length
            if len(self._buf) < end:
                break
            part = bytes(self._buf[OVERHEAD:end])
            crc = zlib.crc32(part, zlib.crc32(self._buf[:_HEAD.size]))
            if crc != _CRC.unpack_from(self._buf, _HEAD.size)[0]:
                self._skip("wrong checksum")
                continue
            del self._buf[:end]
            self._synced = True
            frames.append((kind, job, part))
        return frames

    def _skip(self, why):
        if self._synced:
            raise BadFrame(f"{why} at {bytes(self._buf[:40])!r}")
        del self._buf[0]
