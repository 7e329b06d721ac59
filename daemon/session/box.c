// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages that wait to be sent, or to be complete; see box.h. No I/O.
 */
#include "box.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INBOX_ROOM_MIN (4 * SESSION_FRAME_MAX)

/**
 * outbox_init() - make it empty
 * @box: memory
 */
void outbox_init(struct outbox *box)
{
	int i;

	memset(box, 0, sizeof(*box));
	for (i = 0; i < SESSION_CLASSES; i++)
		box->queue[i].last = &box->queue[i].first;
}

/**
 * outbox_cost() - the memory that counts for a message
 * @bytes: its length
 *
 * Return: bytes.
 */
uint32_t outbox_cost(size_t bytes)
{
	return (uint32_t)(sizeof(struct outbox_msg) + bytes);
}

static void outbox_drop(struct outbox *box, struct outbox_queue *queue)
{
	struct outbox_msg *msg = queue->first;
	uint32_t cost = outbox_cost(msg->bytes);

	queue->first = msg->next;
	if (!queue->first)
		queue->last = &queue->first;
	queue->bytes -= cost;
	box->bytes -= cost;
	free(msg);
}

/**
 * outbox_free() - drop all that waits
 * @box: the box; empty afterwards
 */
void outbox_free(struct outbox *box)
{
	int i;

	for (i = 0; i < SESSION_CLASSES; i++)
		while (box->queue[i].first)
			outbox_drop(box, &box->queue[i]);
}

/**
 * outbox_put() - have a message sent
 * @box: the box
 * @class: how urgent
 * @type: its type
 * @data: it; copied
 * @bytes: its length
 *
 * Return: 0; -EMSGSIZE: too long; -ENOBUFS: too much waits already; -ENOMEM.
 */
int outbox_put(struct outbox *box, enum session_class class, uint16_t type,
	       const void *data, size_t bytes)
{
	struct outbox_queue *queue = &box->queue[class];
	struct outbox_msg *msg;

	if (bytes > SESSION_MSG_MAX ||
	    (class == SESSION_CONTROL && bytes > SESSION_CONTROL_MAX))
		return -EMSGSIZE;
	if (queue->bytes + outbox_cost(bytes) > OUTBOX_CLASS_MAX)
		return -ENOBUFS;
	msg = malloc(sizeof(*msg) + bytes);
	if (!msg)
		return -ENOMEM;
	msg->next = NULL;
	msg->type = type;
	msg->bytes = (uint32_t)bytes;
	msg->sent = 0;
	if (bytes)
		memcpy(msg->data, data, bytes);
	if (!queue->first)
		queue->passed = 0;
	*queue->last = msg;
	queue->last = &msg->next;
	queue->bytes += outbox_cost(bytes);
	box->bytes += outbox_cost(bytes);
	return 0;
}

/* Whose turn is it? */
static struct outbox_queue *outbox_next(struct outbox *box)
{
	struct outbox_queue *best = NULL;
	int i;

	for (i = 0; i < SESSION_CLASSES; i++) {
		struct outbox_queue *queue = &box->queue[i];

		if (!queue->first)
			continue;
		if (queue->passed >= OUTBOX_PATIENCE)
			return queue;
		if (!best)
			best = queue;
	}
	return best;
}

static void outbox_passed(struct outbox *box, struct outbox_queue *served)
{
	int i;

	for (i = 0; i < SESSION_CLASSES; i++)
		if (&box->queue[i] == served)
			served->passed = 0;
		else if (box->queue[i].first)
			box->queue[i].passed++;
}

/* The next frame of a queue, if there is room for it as it is. */
static size_t outbox_frame(struct outbox *box, struct outbox_queue *queue,
			   uint8_t *to, size_t room)
{
	struct outbox_msg *msg = queue->first;
	uint32_t left = msg->bytes - msg->sent;
	struct session_frame frame = {
		.bytes = left < SESSION_FRAME_PAYLOAD ? left :
							SESSION_FRAME_PAYLOAD,
		.type = msg->type,
		.class = (uint8_t)(queue - box->queue),
		.flags = left > SESSION_FRAME_PAYLOAD ? SESSION_FLAG_MORE : 0,
	};

	if (SESSION_FRAME_HEAD + frame.bytes > room)
		return 0;
	session_frame_head(to, &frame);
	if (frame.bytes)
		memcpy(to + SESSION_FRAME_HEAD, msg->data + msg->sent,
		       frame.bytes);
	msg->sent += frame.bytes;
	outbox_passed(box, queue);
	if (!(frame.flags & SESSION_FLAG_MORE))
		outbox_drop(box, queue);
	return SESSION_FRAME_HEAD + frame.bytes;
}

/**
 * outbox_fill() - the next record
 * @box: the box
 * @to: whole frames
 *
 * Return: bytes; 0: nothing waits.
 */
size_t outbox_fill(struct outbox *box, uint8_t to[SESSION_FRAME_MAX])
{
	size_t len = 0;

	for (;;) {
		struct outbox_queue *queue = outbox_next(box);
		size_t more = 0;

		if (queue)
			more = outbox_frame(box, queue, to + len,
					    SESSION_FRAME_MAX - len);
		if (!more)
			return len;
		len += more;
	}
}

/* Room for more, twice what it was. */
static int inbox_grow(struct inbox_part *part, uint32_t more)
{
	uint32_t room = part->room ? part->room : INBOX_ROOM_MIN;
	uint8_t *data;

	if (more > SESSION_MSG_MAX - part->bytes)
		return -EMSGSIZE;
	while (room < part->bytes + more)
		room *= 2;
	if (room == part->room)
		return 0;
	data = realloc(part->data, room);
	if (!data)
		return -ENOMEM;
	part->data = data;
	part->room = room;
	return 0;
}

/**
 * inbox_take() - a frame came
 * @box: the box
 * @frame: it; not CONTROL, which has no MORE
 * @msg: the message, if it is complete
 *
 * Return: 1: it is complete, call inbox_done() when it was looked at; 0: it is
 * not; -EBADMSG: another type than its begin; -EMSGSIZE; -ENOMEM.
 */
int inbox_take(struct inbox *box, const struct session_frame *frame,
	       struct inbox_msg *msg)
{
	struct inbox_part *part = &box->part[frame->class];
	bool more = frame->flags & SESSION_FLAG_MORE;
	int error;

	msg->class = (enum session_class)frame->class;
	msg->type = frame->type;
	msg->bytes = frame->bytes;
	msg->data = frame->payload;
	if (!part->bytes && !more)
		return 1;
	if (part->bytes && part->type != frame->type)
		return -EBADMSG;
	error = inbox_grow(part, frame->bytes);
	if (error)
		return error;
	part->type = frame->type;
	if (frame->bytes)
		memcpy(part->data + part->bytes, frame->payload, frame->bytes);
	part->bytes += frame->bytes;
	msg->bytes = part->bytes;
	msg->data = part->data;
	return more ? 0 : 1;
}

/**
 * inbox_done() - the message was looked at
 * @box: the box
 * @msg: what inbox_take() returned 1 for
 */
void inbox_done(struct inbox *box, const struct inbox_msg *msg)
{
	struct inbox_part *part = &box->part[msg->class];

	free(part->data); /* big ones are rare: do not keep their memory */
	memset(part, 0, sizeof(*part));
}

/**
 * inbox_free() - drop what is not complete
 * @box: the box
 */
void inbox_free(struct inbox *box)
{
	int i;

	for (i = 0; i < SESSION_CLASSES; i++) {
		free(box->part[i].data);
		memset(&box->part[i], 0, sizeof(box->part[i]));
	}
}
