// SPDX-License-Identifier: GPL-2.0-only
/*
 * The door: limits for a source, for strangers, for peers.
 */
#include <arpa/inet.h>

#include "harness.h"

#include "../../daemon/session/gate.h"

static union links_addr v4(uint32_t host, uint16_t port)
{
	union links_addr addr = { 0 };

	addr.v4.sin_family = AF_INET;
	addr.v4.sin_addr.s_addr = htonl(host);
	addr.v4.sin_port = port;
	return addr;
}

static union links_addr v6(uint8_t network, uint8_t host)
{
	union links_addr addr = { 0 };

	addr.v6.sin6_family = AF_INET6;
	addr.v6.sin6_addr.s6_addr[0] = 0xfd;
	addr.v6.sin6_addr.s6_addr[7] = network;
	addr.v6.sin6_addr.s6_addr[15] = host;
	return addr;
}

FIXTURE(gate)
{
	struct gate gate;
};

FIXTURE_SETUP(gate)
{
}

FIXTURE_TEARDOWN(gate)
{
}

#define ENTER(addr, peer)                                   \
	({                                                  \
		union links_addr enter_addr = (addr);       \
		gate_enter(&self->gate, &enter_addr, peer); \
	})
#define LEAVE(addr, peer)                                   \
	({                                                  \
		union links_addr leave_addr = (addr);       \
		gate_leave(&self->gate, &leave_addr, peer); \
	})

TEST_F(gate, of_one_source)
{
	int i;

	for (i = 0; i < GATE_STRANGERS_SOURCE_MAX; i++)
		EXPECT_EQ(GATE_IN, ENTER(v4(1, i), false));
	EXPECT_EQ(GATE_SOURCE, ENTER(v4(1, 99), false));
	EXPECT_EQ(GATE_IN, ENTER(v4(2, 1), false));
	LEAVE(v4(1, 7), false);
	EXPECT_EQ(GATE_IN, ENTER(v4(1, 98), false));
	EXPECT_EQ(GATE_SOURCE, ENTER(v4(1, 97), false));
}

/* Whoever has an address of a /64 has them all. */
TEST_F(gate, of_one_network)
{
	int i;

	for (i = 0; i < GATE_STRANGERS_SOURCE_MAX; i++)
		EXPECT_EQ(GATE_IN, ENTER(v6(1, i), false));
	EXPECT_EQ(GATE_SOURCE, ENTER(v6(1, 200), false));
	EXPECT_EQ(GATE_IN, ENTER(v6(2, 200), false));
}

/* Strangers from everywhere do not keep a peer out, nor the other way. */
TEST_F(gate, strangers_and_peers)
{
	unsigned int i;

	for (i = 0; i < GATE_STRANGERS_MAX; i++)
		EXPECT_EQ(GATE_IN, ENTER(v4(100 + i, 1), false));
	EXPECT_EQ(GATE_FULL, ENTER(v4(99, 1), false));
	for (i = 0; i < GATE_PEERS_MAX; i++)
		EXPECT_EQ(GATE_IN, ENTER(v4(100 + i, 1), true));
	EXPECT_EQ(GATE_FULL, ENTER(v4(99, 1), true));
	LEAVE(v4(100, 1), false);
	EXPECT_EQ(GATE_FULL, ENTER(v4(99, 1), true));
	EXPECT_EQ(GATE_IN, ENTER(v4(99, 1), false));
}

TEST_F(gate, by_lot)
{
	unsigned int in[2][40] = { { 0 } };
	unsigned int all[2] = { 0 };
	int i;

	for (i = 0; i < 100000; i++) {
		uint32_t host = th_rand() % 40;
		bool peer = th_rand() % 2;

		if (th_rand() % 2 && in[peer][host]) {
			LEAVE(v4(host, 1), peer);
			in[peer][host]--;
			all[peer]--;
		} else if (ENTER(v4(host, 2), peer) == GATE_IN) {
			in[peer][host]++;
			all[peer]++;
		}
		ASSERT_EQ(all[0], self->gate.strangers);
		ASSERT_EQ(all[1], self->gate.peers);
		ASSERT_LE(in[0][host], GATE_STRANGERS_SOURCE_MAX);
		ASSERT_LE(in[1][host], GATE_PEERS_SOURCE_MAX);
	}
}

TEST_HARNESS_MAIN
