/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The version of the tools and the daemon: one for all, they are built as one.
 */
#ifndef QBD_DAEMON_VERSION_H
#define QBD_DAEMON_VERSION_H

#define QBD_VERSION "0.1"

#endif /* QBD_DAEMON_VERSION_H */
