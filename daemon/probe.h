/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Probes of qbdd for tracers (USDT): `qbdraft`, `bpftrace -e 'usdt:...'`, perf.
 * Each is one nop in the code and a note in the binary; what it is given are
 * values that are there anyway. They are called where the daemon's own thread,
 * or the writer of the log of consensus, has just done what they say:
 *
 *	raft_step(server, term, role, leader)
 *		a step of consensus is done, a heartbeat for one; role:
 *		enum raft_role; leader: 0 = not known
 *	raft_propose(server, index, term)
 *		who leads has put a command into its log
 *	raft_apply(server, first, last)
 *		these entries are committed, and the machine has them
 *	raft_store_begin(bytes)
 *	raft_store_end(err)
 *		a batch goes to the log, with all its fsyncs
 *	loop_took(name, ns)
 *		a callback of the event loop ended; nothing else went on
 *		meanwhile
 *	loop_lap(name, ns)
 *		all callbacks of a turn ended, this one took most of it
 *
 * They are an interface: arguments are added behind, never changed.
 */
#ifndef QBD_DAEMON_PROBE_H
#define QBD_DAEMON_PROBE_H

#include <sys/sdt.h>

#endif /* QBD_DAEMON_PROBE_H */
