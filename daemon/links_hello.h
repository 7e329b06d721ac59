/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a stranger says about himself: the HELLO that waits in a socket.
 *
 * It is looked at without being taken out, because the kernel reads it again
 * and checks it itself. Here it only says for whom the connection is; what is
 * refused here does not cost the kernel a connection.
 */
#ifndef QBD_DAEMON_LINKS_HELLO_H
#define QBD_DAEMON_LINKS_HELLO_H

#include <stddef.h>
#include <stdint.h>

#define LINKS_HELLO_MAX 256 /* no message without payload is longer */

/**
 * enum links_hello_look - what the bytes are
 * @LINKS_HELLO_SHORT: the begin of a HELLO, as far as one can see
 * @LINKS_HELLO_WHOLE: a HELLO that makes sense by itself
 * @LINKS_HELLO_BAD: anything else
 */
enum links_hello_look {
	LINKS_HELLO_SHORT,
	LINKS_HELLO_WHOLE,
	LINKS_HELLO_BAD,
};

/**
 * struct links_hello - who speaks to whom
 * @cluster: of the speaker
 * @lineage: of the speaker's cluster
 * @node: the speaker
 * @peer: whom it believes to speak to
 * @link: for which link the connection is
 * @links: how many the speaker uses
 */
struct links_hello {
	uint8_t cluster[16];
	uint64_t lineage;
	uint32_t node;
	uint32_t peer;
	uint32_t link;
	uint32_t links;
};

enum links_hello_look links_hello_look(const void *buf, size_t len,
				       struct links_hello *hello,
				       const char **why);

#endif /* QBD_DAEMON_LINKS_HELLO_H */
