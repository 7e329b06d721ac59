/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qbdctl state: the log store of a Raft server while no daemon has it open; and
 * what is done with it when most of the others are lost (state_restore.h).
 */
#ifndef QBD_DAEMON_STATE_CMD_H
#define QBD_DAEMON_STATE_CMD_H

#include "opt.h"

int cmd_state(int argc, char **argv);
void state_visit(const struct opt_visit *visit);
int state_check(const struct opt_cmd *cmd, int argc, char **argv);
int state_repair(const struct opt_cmd *cmd, int argc, char **argv);
int state_restore(const struct opt_cmd *cmd, int argc, char **argv);
int state_dump(const struct opt_cmd *cmd, int argc, char **argv);

#endif /* QBD_DAEMON_STATE_CMD_H */
