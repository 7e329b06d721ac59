#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three nodes connect to each other; strangers are turned away; what is lost
# is replaced; the program that does all that may be killed.
#
#	n1 = node 11 ---+--- n2 = node 12
#	                |
#	n3 = node 13 ---+--- n4, n5: strangers
#
# DEBUG=long
# TIMEOUT=600
DESCRIPTION="links to peers: connect, refuse, replace, survive the program"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/links.sh
. "${QBD_VM:?}/links.sh"

# all_up: every node has two links to each of the two others.
all_up()
{
	links_up n1 4 && links_up n2 4 && links_up n3 4
}

# heard NODE PEER: how many messages came over its link 0.
heard()
{
	links_show "$1" "$2" | awk '$2 == 0 { print $5 }'
}

hears_more()
{
	[[ $(heard "$1" "$2") -gt $3 ]]
}

# ups: all connections that there were, on all nodes.
ups()
{
	local node
	for node in n1 n2 n3; do
		links_show "$node" | cut --delimiter=' ' --fields=1,2,4
	done
}

# strangers: who does not say HELLO is closed, whatever he says, or if nothing.
strangers()
{
	at n4 timeout 100 python3 - 10.77.0.2 "$LINKS_PORT" <<-'END'
		import socket, struct, sys
		there = (sys.argv[1], int(sys.argv[2]))
		def head(kind, length):
		    return struct.pack("<IHHIIIIQQ", 0x57444251, 1, kind,
		                       length, 0, 0, 0, 0, 0)
		said = [b"GET / HTTP/1.0\r\n\r\n", b"\0" * 4096, head(6, 136),
		        head(1, 0xffffffff), head(1, 40), head(99, 40)]
		socks = []
		for words in said + [b""] * 200 + [b"QB"]:
		    sock = socket.create_connection(there, timeout=60)
		    sock.sendall(words)
		    socks.append(sock)
		for number, sock in enumerate(socks):
		    try:
		        if sock.recv(1):
		            sys.exit(f"stranger {number} got an answer")
		    except ConnectionResetError:
		        pass
		print(len(socks), "were turned away")
	END
}

# adopted_twice NODE PEER: a socket that is a link already is refused as another
# one, and its link lives on: what the kernel says on it still arrives.
adopted_twice()
{
	at "$1" timeout 100 python3 - "$2" <<-'END'
		import socket, subprocess, sys
		server = socket.create_server(("127.0.0.1", 0))
		here = socket.create_connection(server.getsockname())
		there = server.accept()[0]
		def adopt(link):
		    return subprocess.run(
		        ["qbdctl", "kernel", "link", "add", "--peer", sys.argv[1],
		         "--link", link, "--fd", str(here.fileno())],
		        pass_fds=[here.fileno()], capture_output=True, text=True)
		first, second = adopt("0"), adopt("1")
		if first.returncode:
		    sys.exit(first.stderr)
		if "somebody else uses the socket" not in second.stderr:
		    sys.exit(f"the second one: {second}")
		there.settimeout(1)
		if len(there.recv(112, socket.MSG_WAITALL)) != 112:
		    sys.exit("no HELLO came")
		try:
		    sys.exit(f"it was closed at once: {there.recv(1)}")
		except TimeoutError:
		    print("it waits for HELLO")
	END
}

# foreign NODE ID CLUSTER: a node that the others do not know wants in.
foreign()
{
	at "$1" qbdctl kernel node start --id "$2" --name "$1" --cluster "$3"
	on_exit at "$1" qbdctl kernel node stop --id "$2"
	echo "peer 13 10.77.0.3:$LINKS_PORT" >"/run/links.$1.conf"
	links_start "$1" "/run/links.$1.conf"
}

links_nodes 3 2
for node in n1 n2 n3; do
	links_start "$node"
done
check "all links are up" wait_until 60 all_up
check "peers are up" test "$(at n2 qbdctl kernel peer show --json |
	grep --count '"state": "up", "links": 2, "links_up": 2')" = 2
check "one peer" at n1 qbdctl kernel peer show --id 13
check "links of one peer" test "$(links_show n1 12 | cut -c1-4 | xargs)" = "12 0 12 1"
refuse "a peer that is not known" says="no such peer" \
	at n1 qbdctl kernel peer show --id 99
refuse "itself as a peer" says="another node" \
	at n1 qbdctl kernel peer add --id 11
refuse "too many links" code=2 says="--links 9: expected a number from 1 to 8" \
	at n1 qbdctl kernel peer add --id 20 --links 9
refuse "to end a link that there is not" says="this peer has 2 links" \
	at n1 qbdctl kernel link remove --peer 12 --link 7
check "to add a peer again" at n1 qbdctl kernel peer add --id 12 --links 2

check "a socket is one link, not two" adopted_twice n1 12
before=$(ups)
check "strangers are turned away" strangers
check "with one line in the log" test "$(links_said n2 \
	'refused address=10.77.0.4:[0-9]+ reason="' | wc --lines)" = 1
foreign n4 4 5eed0000-0000-4000-8000-0000000000ff
wait_until 60 links_said n3 \
	'refused address=10.77.0.4.*reason="of another cluster"'
foreign n5 5 "$LINKS_CLUSTER"
wait_until 60 links_said n3 \
	'refused address=10.77.0.5.*reason="not a peer of this node"'
check "a stranger has no link" links_up n5 0
check "and nobody lost one" test "$(ups)" = "$before"
links_stop n4
links_stop n5

links_stop n2 && code=0 || code=$?
check "the program ends when it is asked to" test "$code" = 0
check "it counted the strangers" links_said n2 'stopped signal=15 refused=207$'
count=$(heard n1 12)
wait_until 60 hears_more n1 12 $((count + 3))
check "without the program the links stay" all_up
links_start n2
wait_until 60 links_said n2 'link-up peer=13 link=1 role=connect address=-'
check "with a new one they stay" test "$(ups)" = "$before"

ip netns exec n1 qbdctl kernel events --count 1 >/run/links.n1.events &
watcher=$!
wait_until 20 listens "$watcher"
check "end one by hand" at n2 qbdctl kernel link remove --peer 11 --link 0
wait_until 60 all_up
wait_until 60 links_came n1 12 0 2
wait "$watcher"
check "the event of it" grep --quiet 'link-state .* peer=12 link=0' \
	/run/links.n1.events

links_stop n1 KILL || true
check "killed, it takes no link along" all_up
at n2 qbdctl kernel link remove --peer 11 --link 1
wait_until 60 links_up n1 3
links_start n1
check "what was lost meanwhile is replaced" wait_until 60 all_up

unplug n3
wait_until 60 links_up n3 0
wait_until 60 links_up n1 2
plug n3
check "back after the cable" wait_until 60 all_up

check "remove a peer" at n1 qbdctl kernel peer remove --id 13
wait_until 60 links_up n1 2
wait_until 60 links_said n1 'peer-removed peer=13'
check "it stays removed" grep --quiet '"removed"' \
	<(at n1 qbdctl kernel peer show --id 13 --json)
at n1 qbdctl kernel peer add --id 13 --links 2
wait_until 60 all_up

at n3 qbdctl kernel node stop --id 13
links_wait n3 && code=0 || code=$?
check "without a node it ends by itself" test "$code" = 1
check "and says why" links_said n3 'links: node: '
wait_until 60 links_up n1 2

at n3 qbdctl kernel node start --id 13 --name n3 --cluster "$LINKS_CLUSTER"
sed 's/^links 2$/links 3/' "$LINKS_CONF" >/run/links.n3.conf
links_start n3 /run/links.n3.conf
wait_until 60 links_said n3 \
	'refused address=10.77.0.1.*reason="with another number of links"'
check "three links and two make none" links_up n3 0
