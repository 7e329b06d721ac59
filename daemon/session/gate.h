/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many may stand at the door: connections that nobody has authenticated.
 *
 * A connection costs memory and, when it speaks, a millisecond of this thread,
 * before anybody knows whose it is.  So they are counted: for each source, and
 * in all.  Those from addresses of peers have places of their own, which no
 * stranger can take: a flood keeps members out only if it comes from members.
 * A source is a host, or for IPv6 a /64: whoever has one has all of it.
 *
 * When all strangers' places are taken the one who waits longest loses his:
 * whoever means it is done within a round trip.  Peers' places are not taken
 * back: they are as many as may come at once after a power cut, and who finds
 * none comes again.
 *
 * Pure: it only counts.  Sessions that are authenticated are not in it.
 */
#ifndef QBD_SESSION_GATE_H
#define QBD_SESSION_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "../links_conf.h"

#define GATE_STRANGERS_MAX 128
#define GATE_STRANGERS_SOURCE_MAX 8
#define GATE_PEERS_MAX 256
#define GATE_PEERS_SOURCE_MAX 16
#define GATE_PLACES (GATE_STRANGERS_MAX + GATE_PEERS_MAX)

/**
 * enum gate_verdict - may it come in?
 * @GATE_IN: yes, and it is counted
 * @GATE_SOURCE: no: too many from there
 * @GATE_FULL: no: all places are taken
 */
enum gate_verdict {
	GATE_IN,
	GATE_SOURCE,
	GATE_FULL,
};

/**
 * struct gate_source - connections from one source
 * @host: its address, or the begin of it
 * @nr: how many; 0: this place is free
 * @peers: they have places of peers
 */
struct gate_source {
	uint8_t host[9];
	uint16_t nr;
	bool peers;
};

/**
 * struct gate - the door
 * @strangers: places taken
 * @peers: places taken
 * @source: who has them
 */
struct gate {
	unsigned int strangers;
	unsigned int peers;
	struct gate_source source[GATE_PLACES];
};

enum gate_verdict gate_enter(struct gate *gate, const union links_addr *from,
			     bool peer);
void gate_leave(struct gate *gate, const union links_addr *from, bool peer);

#endif /* QBD_SESSION_GATE_H */
