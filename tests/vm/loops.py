#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Connect nodes of this kernel over the loop transport.

usage: loops.py NODES LINKS: nodes are the namespaces n1 .. nNODES, their ids
the same numbers. Each link gets an AF_UNIX socketpair, one end for either node.
"""
import itertools
import socket
import subprocess
import sys


def qbdctl(node, *words, fds=()):
    """Run qbdctl on a node; what it refuses ends the program."""
    subprocess.run(["ip", "netns", "exec", f"n{node}", "qbdctl", "kernel",
                    *map(str, words)], check=True, pass_fds=fds)


def link(here, there, number):
    """Make one link between two nodes."""
    ends = socket.socketpair()
    for node, peer, end, accept in ((here, there, ends[0], ()),
                                    (there, here, ends[1], ("--accept",))):
        qbdctl(node, "link", "add", "--peer", peer, "--link", number,
               "--fd", end.fileno(), *accept, fds=(end.fileno(),))


def main():
    """All nodes to all others."""
    nodes, links = map(int, sys.argv[1:])
    for here, there in itertools.permutations(range(1, nodes + 1), 2):
        qbdctl(here, "peer", "add", "--id", there, "--links", links)
    for here, there in itertools.combinations(range(1, nodes + 1), 2):
        for number in range(links):
            link(here, there, number)


main()
