/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages of a session that wait: to be sent, and to be complete.
 *
 * OUT.  One queue for each class, bounded in bytes.  What is over the bound is
 * refused to the sender at once: Raft sends anew what matters, and a queue that
 * grows with the slowness of a peer is how one slow node takes the memory of
 * all others.  A record is filled with whole frames, the most urgent class
 * first, so what is urgent waits for the record that is being sent and for no
 * other.  A class that was passed over OUTBOX_PATIENCE times in a row gets one
 * frame, so nothing waits for ever.
 *
 * IN.  A message in one frame is handed on where it lies.  One in several is
 * put together, one at a time for each class, and its memory grows with what
 * really came: who announces much and sends little costs little.
 */
#ifndef QBD_SESSION_BOX_H
#define QBD_SESSION_BOX_H

#include "wire.h"

#define OUTBOX_CLASS_MAX                                     \
	(4 * SESSION_MSG_MAX) /* bytes that wait, of a class \
			       */
#define OUTBOX_PATIENCE 32

/**
 * struct outbox_msg - a message that waits
 * @next: the one behind it
 * @type: its type
 * @bytes: its length
 * @sent: so much of it is in frames that were sent
 * @data: it
 */
struct outbox_msg {
	struct outbox_msg *next;
	uint16_t type;
	uint32_t bytes;
	uint32_t sent;
	uint8_t data[];
};

/**
 * struct outbox_queue - messages of a class
 * @first: the next
 * @last: where the one behind the last goes
 * @bytes: memory of all
 * @passed: frames of others that were sent since it waits
 */
struct outbox_queue {
	struct outbox_msg *first;
	struct outbox_msg **last;
	uint32_t bytes;
	unsigned int passed;
};

/**
 * struct outbox - what a session has to send
 * @queue: by class
 * @bytes: memory of all
 */
struct outbox {
	struct outbox_queue queue[SESSION_CLASSES];
	uint64_t bytes;
};

/**
 * struct inbox_part - a message that is not complete
 * @data: what came of it; NULL = nothing
 * @bytes: how much
 * @room: for how much there is memory
 * @type: its type
 */
struct inbox_part {
	uint8_t *data;
	uint32_t bytes;
	uint32_t room;
	uint16_t type;
};

/**
 * struct inbox - what a session is receiving
 * @part: by class
 */
struct inbox {
	struct inbox_part part[SESSION_CLASSES];
};

/**
 * struct inbox_msg - a message that came
 * @class: enum session_class
 * @type: its type
 * @bytes: its length
 * @data: it; of the record, or of the inbox until inbox_done()
 */
struct inbox_msg {
	enum session_class class;
	uint16_t type;
	uint32_t bytes;
	const uint8_t *data;
};

void outbox_init(struct outbox *box);
void outbox_free(struct outbox *box);
int outbox_put(struct outbox *box, enum session_class class, uint16_t type,
	       const void *data, size_t bytes);
size_t outbox_fill(struct outbox *box, uint8_t to[SESSION_FRAME_MAX]);
uint32_t outbox_cost(size_t bytes);

int inbox_take(struct inbox *box, const struct session_frame *frame,
	       struct inbox_msg *msg);
void inbox_done(struct inbox *box, const struct inbox_msg *msg);
void inbox_free(struct inbox *box);

#endif /* QBD_SESSION_BOX_H */
