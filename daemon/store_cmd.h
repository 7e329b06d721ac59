/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qbdctl store: its entry. Apart from store_dev.h, whose users live in the
 * core's environment.
 */
#ifndef QBD_DAEMON_STORE_CMD_H
#define QBD_DAEMON_STORE_CMD_H

int cmd_store(int argc, char **argv);
int store_format(int argc, char **argv);
int store_check(int argc, char **argv);
int store_dump(int argc, char **argv);
int store_usage(const char *verb, const char *why);

#endif /* QBD_DAEMON_STORE_CMD_H */
