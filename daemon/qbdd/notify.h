/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon says to its supervisor: systemd's notification protocol.
 *
 * The supervisor put the address of a datagram socket into NOTIFY_SOCKET and
 * waits for READY=1 before it starts what needs the daemon.  It is a dozen
 * lines of protocol, so it is written here and not linked.
 *
 * WHAT HAS TO BE SAID IS KEPT, NOT THE MESSAGES.  The socket may be full, or
 * its reader be away for a while (systemd executes itself anew after an
 * upgrade).  A datagram is then made again later from what is due by then: a
 * lost READY=1 would end a healthy daemon at the end of its start timeout.
 *
 * THE WATCHDOG is fed by a timer of the loop, at half of its time, so it is
 * fed exactly as long as the loop turns: whoever holds the loop up for so long
 * holds up heartbeats too, and is better ended and started again (I/O does not
 * stop meanwhile, the kernel has it).  No thread feeds it, for that would say
 * that a process exists, which is known.
 *
 * RELOADING=1 goes out in a datagram of its own, before the READY=1 that ends
 * the reload: in one datagram they would say nothing.
 */
#ifndef QBD_QBDD_NOTIFY_H
#define QBD_QBDD_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../log.h"
#include "../loop.h"

#define NOTIFY_STATUS_MAX 256
#define NOTIFY_RETRY_NS 100000000ULL /* 100 ms */

/**
 * enum notify_due - what is still to be said
 * @NOTIFY_RELOADING: configuration is being read again
 * @NOTIFY_READY: started, or read again
 * @NOTIFY_STATUS: a line for people
 * @NOTIFY_WATCHDOG: the loop turns
 * @NOTIFY_STOPPING: on its way out
 */
enum notify_due {
	NOTIFY_RELOADING = 1,
	NOTIFY_READY = 2,
	NOTIFY_STATUS = 4,
	NOTIFY_WATCHDOG = 8,
	NOTIFY_STOPPING = 16,
};

/**
 * struct notify - the supervisor, if there is one
 * @loop: the loop
 * @fd: socket to send from; -1: nobody wants to know
 * @addr: where to
 * @addr_len: of it
 * @due: bits of enum notify_due
 * @status: the line for people
 * @reloading_us: when the reload began, CLOCK_MONOTONIC
 * @watchdog_ns: how often to feed the watchdog; 0: there is none
 * @watchdog: the next time
 * @retry: when what is due is tried again
 * @failed: lines about it
 */
struct notify {
	struct loop *loop;
	int fd;
	struct sockaddr_un addr;
	socklen_t addr_len;
	unsigned int due;
	char status[NOTIFY_STATUS_MAX];
	uint64_t reloading_us;
	uint64_t watchdog_ns;
	struct loop_timer watchdog;
	struct loop_timer retry;
	struct log_limit failed;
};

int notify_open(struct notify *notify, struct loop *loop);
void notify_close(struct notify *notify);
void notify_ready(struct notify *notify);
void notify_reloading(struct notify *notify);
void notify_stopping(struct notify *notify);
void notify_status(struct notify *notify, const char *format, ...)
	__attribute__((__format__(printf, 2, 3)));

#endif /* QBD_QBDD_NOTIFY_H */
