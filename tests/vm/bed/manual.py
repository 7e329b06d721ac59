# SPDX-License-Identifier: GPL-2.0-only
"""Beds for people: up, down, status, shell, exec, and breaking machines.

"up" leaves a keeper behind, a process that owns the guests and does to them
what it is told over a socket in the bed's directory. A shell goes past it,
to the second agent port of the guest, so it works with the bed of a running
test as well.
"""
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import termios
import tty

from . import wire
from .bed import BEDS, Bed, guest_env, in_use, running
from .link import Link
from .proc import BedError, Deadline, connect, poll, scaled

DEFAULT = "default"
VERBS = ("crash", "start", "restart", "power-off", "pause", "resume",
         "link-down", "link-up")


def pick(name):
    """The bed that is meant: the named one, "default", or the only one."""
    if name:
        if not in_use(name):
            raise BedError(f"no bed {name} runs")
        return name
    names = running()
    if DEFAULT in names:
        return DEFAULT
    if len(names) != 1:
        raise BedError("which bed? running: " + (" ".join(names) or "none"))
    return names[0]


def node_number(text):
    """"2" or "n2" as a number."""
    digits = text.removeprefix("n")
    if not digits.isdigit() or int(digits) < 1:
        raise BedError(f"not a node: {text!r}")
    return int(digits)


# -- the keeper --------------------------------------------------------------

def up(name, guests, spec):
    """Start a bed and its keeper; returns when the guests are ready."""
    ready_r, ready_w = os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.close(ready_r)
        _keeper(name, guests, spec, ready_w)
        os._exit(0)
    os.close(ready_w)
    with os.fdopen(ready_r, "r", encoding="utf-8") as src:
        answer = src.read()
    if answer != "ready":
        raise BedError(answer or "the keeper died")
    print(f"bed {name} is up: testbed shell --bed {name} n1")


def _keeper(name, guests, spec, ready):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.makedirs(BEDS, exist_ok=True)
    with open(os.path.join(BEDS, f".{name}.keeper.log"), "wb") as log:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    try:
        with Bed(name=name, guests=guests, network=True, cache="auto",
                 **spec) as bed:
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            server.bind(f"/proc/self/fd/{bed.dirfd}/control")
            server.listen()
            os.write(ready, b"ready")
            os.close(ready)
            while True:
                _serve(bed, server)
    except BedError as err:
        os.write(ready, str(err).encode())


def _serve(bed, server):
    """One request: {"verb": ..., "node": n}."""
    sock, _ = server.accept()
    with sock:
        try:
            request = json.loads(sock.recv(4096))
            guest = bed.node(request["node"])
            verb = request["verb"]
            if verb == "start":
                guest.start().ready()
            elif verb in VERBS:
                getattr(guest, verb.replace("-", "_"))()
            answer = "done"
        except (BedError, IndexError, KeyError, ValueError) as err:
            answer = f"{type(err).__name__}: {err}"
        try:
            sock.sendall(answer.encode())
        except OSError:
            pass               # whoever asked has not waited


def _dirfd(name):
    return os.open(os.path.join(BEDS, name), os.O_PATH | os.O_CLOEXEC)


def order(name, verb, node):
    """Tell the keeper to do something to a machine."""
    with connect(_dirfd(name), "control", 5, None) as sock:
        sock.sendall(json.dumps({"verb": verb, "node": node}).encode())
        answer = sock.recv(65536).decode()
    if answer != "done":
        raise BedError(f"{verb} n{node}: {answer or 'the keeper died'}")


def down(name, keep):
    """End a bed: its keeper first, which ends the rest."""
    where = os.path.join(BEDS, name)
    if in_use(name):
        with open(os.path.join(where, "pids"), encoding="ascii") as src:
            keeper = int(src.readline())
        os.kill(keeper, signal.SIGTERM)
        poll(lambda: not in_use(name), scaled(30), f"end of bed {name}")
    if not keep:
        shutil.rmtree(where, ignore_errors=True)


def status():
    """Print the beds and their machines."""
    for name in running():
        where = os.path.join(BEDS, name)
        with open(os.path.join(where, "pids"), encoding="ascii") as src:
            pids = src.read().split()
        nodes = sorted(one.removesuffix(".console")
                       for one in os.listdir(where)
                       if one.endswith(".console"))
        print(f"{name}: nodes {' '.join(nodes)}; owner {pids[0]}; "
              f"processes {' '.join(pids[1:])}; {where}")


# -- looking in --------------------------------------------------------------

def _window():
    raw = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
    rows, columns = struct.unpack("HHHH", raw)[:2]
    return rows or 24, columns or 80


def attach(name, node, argv):
    """Run a command over the second port; returns its exit code.

    With a terminal here the command gets one there.
    """
    dirfd = _dirfd(name)
    sock = connect(dirfd, f"n{node}.shell", 5, None)
    link = Link(f"n{node}", sock, os.path.join(BEDS, name, "share"))
    if link.ask(Deadline(scaled(15))) is None:
        raise BedError(f"n{node} does not answer (or somebody else has a "
                       "shell there)")
    interactive = os.isatty(0) and os.isatty(1)
    window = _window() if interactive else None
    job = link.start(argv or ["bash", "-i"], os.getcwd(),
                     {**guest_env("debian"), "BED_NODE": f"n{node}"},
                     terminal=window, sink=_to_here)
    if not interactive:
        return _pass_input(job)
    signal.signal(signal.SIGWINCH, lambda *_: job.resize(*_window()))
    saved = termios.tcgetattr(0)
    tty.setraw(0, termios.TCSADRAIN)
    try:
        return _pass_input(job)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)


def _to_here(kind, payload):
    os.write(1 if kind == wire.STDOUT else 2, payload)


def _pass_input(job):
    """Move standard input into a job until it ends."""
    open_input = True
    while job.running():
        if not open_input:
            job.ended(1)
        elif select.select([0], [], [], 0.05)[0]:
            data = os.read(0, 1024)
            if data:
                job.write(data)
            else:
                job.close_input()
                open_input = False
    return job.code
