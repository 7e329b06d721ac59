/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qbdctl store: its entry. Apart from store_dev.h, whose users live in the
 * core's environment.
 */
#ifndef QBD_DAEMON_STORE_CMD_H
#define QBD_DAEMON_STORE_CMD_H

#include "opt.h"

int cmd_store(int argc, char **argv);
void store_visit(const struct opt_visit *visit);
int store_format(const struct opt_cmd *cmd, int argc, char **argv);
int store_check(const struct opt_cmd *cmd, int argc, char **argv);
int store_dump(const struct opt_cmd *cmd, int argc, char **argv);

#endif /* QBD_DAEMON_STORE_CMD_H */
