// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of actions that a step fills; see step.h for the contract.
 */
#include "step.h"

/**
 * qbd_actions_add() - one more action
 * @acts: the array
 * @kind: what kind
 *
 * The machines look at the room before; an array without room is a broken
 * promise of the caller (QBD_ACTIONS_MIN) or of a machine.
 *
 * Return: the action, zero but for its kind; NULL if there is no room.
 */
struct qbd_action *qbd_actions_add(struct qbd_actions *acts,
				   enum qbd_action_kind kind)
{
	struct qbd_action *act;

	if (QBD_CORE_BUG(acts->nr >= acts->max))
		return NULL;
	act = &acts->act[acts->nr++];
	memset(act, 0, offsetof(struct qbd_action, msg));
	act->kind = kind;
	return act;
}

/**
 * qbd_action_name() - for traces
 * @kind: what kind
 *
 * Return: its name.
 */
const char *qbd_action_name(enum qbd_action_kind kind)
{
	static const char *const name[] = {
		[QBD_ACT_SEND] = "send",
		[QBD_ACT_SEND_LOG] = "send-log",
		[QBD_ACT_LOG_APPEND] = "log-append",
		[QBD_ACT_LOG_PROMISE] = "log-promise",
		[QBD_ACT_LOG_TRUNCATE] = "log-truncate",
		[QBD_ACT_LOG_FORGET] = "log-forget",
		[QBD_ACT_LOG_VOTE] = "log-vote",
		[QBD_ACT_BOUND] = "bound",
		[QBD_ACT_READ] = "read",
		[QBD_ACT_SEND_PIN] = "send-pin",
		[QBD_ACT_DIFF] = "diff",
		[QBD_ACT_DIGEST] = "digest",
		[QBD_ACT_SHADOW] = "shadow",
		[QBD_ACT_FAIL] = "fail",
		[QBD_ACT_COMPLETE] = "complete",
		[QBD_ACT_PUT] = "put",
		[QBD_ACT_READ_LOCAL] = "read-local",
		[QBD_ACT_PROMISED] = "promised",
		[QBD_ACT_READY] = "ready",
		[QBD_ACT_SERVING] = "serving",
		[QBD_ACT_SPACE] = "space",
		[QBD_ACT_SUSPENDED] = "suspended",
		[QBD_ACT_RESUMED] = "resumed",
		[QBD_ACT_TERM_LOST] = "term-lost",
		[QBD_ACT_NEED_TERM] = "need-term",
		[QBD_ACT_RELEASED] = "released",
		[QBD_ACT_MEMBER] = "member",
		[QBD_ACT_JOINED] = "joined",
		[QBD_ACT_CONFIG] = "config",
		[QBD_ACT_DIFFERS] = "differs",
		[QBD_ACT_VERIFIED] = "verified",
	};

	return (u32)kind < ARRAY_SIZE(name) ? name[kind] : "?";
}
