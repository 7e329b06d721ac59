/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the planner asks for, as the kernel reads it: attributes of the netlink
 * family.  A message of 8 KiB takes any request (AGENT_SETS_MAX).
 */
#ifndef QBD_AGENT_PLAN_NL_H
#define QBD_AGENT_PLAN_NL_H

#include "plan.h"

#define AGENT_MESSAGE_BYTES 8192

struct nl_msg;

int agent_request_put(struct nl_msg *msg, const struct agent_request *req);

#endif /* QBD_AGENT_PLAN_NL_H */
