// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a peer's daemon, or a stranger, says about links: messages, claims,
 * proofs. The first byte says which.
 *
 * What is taken says the same when it is written again. A claim holds, and a
 * proof is one, only if it is ours: nobody else has the secret. Claims come in
 * pieces: what was not refused with fewer bytes may be with more, never the
 * other way.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/link/ticket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct link_ticket ticket = { .name = "the name of it",
					   .secret = "and what is secret" };
static const struct link_claim mine = { .from = 1,
					.to = 2,
					.link = 3,
					.name = "the name of it" };

static void fuzz_msg(const uint8_t *data, size_t size)
{
	uint8_t again[LINK_MSG_MAX];
	struct link_msg msg;

	if (link_msg_get(data, size, &msg))
		return;
	if (link_msg_put(again, &msg) != size || memcmp(again, data, size) ||
	    !link_why_text(msg.why))
		abort();
}

static void fuzz_claim(const uint8_t *data, size_t size)
{
	struct link_claim claim;
	bool refused = false;
	size_t have;
	int whole = 0;

	for (have = 0; have <= size && have <= LINK_CLAIM; have++) {
		/* memory of its own: reading on is seen */
		uint8_t *part = malloc(have ? have : 1);

		memcpy(part, data, have);
		whole = link_claim_get(part, have, &claim);
		if ((whole > 0 && whole != LINK_CLAIM) ||
		    (whole > 0 && have < LINK_CLAIM) ||
		    (!whole && have == LINK_CLAIM) || (refused && whole >= 0))
			abort();
		refused = whole < 0;
		if (whole > 0 && link_claim_holds(part, &ticket))
			abort();
		free(part);
	}
}

/* What is changed in ours does not hold any more. */
static void fuzz_changed(const uint8_t *data, size_t size)
{
	struct link_claim claim = mine, seen;
	uint8_t bytes[LINK_CLAIM];
	uint8_t changed[LINK_CLAIM];
	size_t i;

	if (link_claim_put(bytes, &claim, ticket.secret))
		abort();
	memcpy(changed, bytes, sizeof(bytes));
	for (i = 0; i + 1 < size; i += 2)
		changed[data[i] % LINK_CLAIM] ^= data[i + 1];
	if (link_claim_get(changed, LINK_CLAIM, &seen) > 0 &&
	    link_claim_holds(changed, &ticket) !=
		    !memcmp(changed, bytes, sizeof(bytes)))
		abort();
}

static void fuzz_proof(const uint8_t *data, size_t size)
{
	struct link_claim claim = mine;
	uint8_t bytes[LINK_CLAIM];
	size_t have;

	if (link_claim_put(bytes, &claim, ticket.secret))
		abort();
	for (have = 0; have <= size && have <= LINK_PROOF; have++) {
		uint8_t *part = malloc(have ? have : 1);
		int held;

		memcpy(part, data, have);
		held = link_proof_check(part, have, bytes, ticket.secret);
		if (held > 0 || (!held && have == LINK_PROOF))
			abort();
		free(part);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(const uint8_t *data, size_t size) = {
		fuzz_msg,
		fuzz_claim,
		fuzz_changed,
		fuzz_proof,
	};

	if (size)
		kinds[data[0] % 4](data + 1, size - 1);
	return 0;
}
