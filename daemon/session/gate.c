// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts connections that nobody has authenticated; see gate.h.
 */
#include "gate.h"

#include <stdlib.h>
#include <string.h>

/* Family, then the host or, for IPv6, its network. */
static void gate_host(uint8_t host[9], const union links_addr *from)
{
	memset(host, 0, 9);
	host[0] = (uint8_t)from->any.sa_family;
	if (from->any.sa_family == AF_INET6)
		memcpy(host + 1, &from->v6.sin6_addr, 8);
	else
		memcpy(host + 1, &from->v4.sin_addr, 4);
}

/* The source, else a free place for it. */
static struct gate_source *gate_find(struct gate *gate, const uint8_t host[9],
				     bool peer)
{
	struct gate_source *place = NULL;
	int i;

	for (i = 0; i < GATE_PLACES; i++) {
		struct gate_source *at = &gate->source[i];

		if (!at->nr) {
			place = place ? place : at;
			continue;
		}
		if (at->peers == peer && !memcmp(at->host, host, 9))
			return at;
	}
	return place;
}

/**
 * gate_enter() - somebody connected
 * @gate: the door
 * @from: from where
 * @peer: from an address of a peer
 *
 * Return: whether he may stay.
 */
enum gate_verdict gate_enter(struct gate *gate, const union links_addr *from,
			     bool peer)
{
	unsigned int *taken = peer ? &gate->peers : &gate->strangers;
	struct gate_source *source;
	uint8_t host[9];

	gate_host(host, from);
	source = gate_find(gate, host, peer);
	/* there is a source, or a place: no more sources than places */
	if (source && source->nr >= (peer ? GATE_PEERS_SOURCE_MAX :
					    GATE_STRANGERS_SOURCE_MAX))
		return GATE_SOURCE;
	if (!source || *taken >= (peer ? GATE_PEERS_MAX : GATE_STRANGERS_MAX))
		return GATE_FULL;
	memcpy(source->host, host, sizeof(host));
	source->peers = peer;
	source->nr++;
	++*taken;
	return GATE_IN;
}

/**
 * gate_leave() - one of those who are in is authenticated, or gone
 * @gate: the door
 * @from: from where, as at gate_enter()
 * @peer: as at gate_enter()
 */
void gate_leave(struct gate *gate, const union links_addr *from, bool peer)
{
	struct gate_source *source;
	uint8_t host[9];

	gate_host(host, from);
	source = gate_find(gate, host, peer);
	if (!source || !source->nr)
		abort(); /* counted wrong: the limits would be none */
	source->nr--;
	--*(peer ? &gate->peers : &gate->strangers);
}
