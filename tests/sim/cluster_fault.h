/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes wrong in a simulated cluster, and in which phase of an attach.
 */
#ifndef QBD_SIM_CLUSTER_FAULT_H
#define QBD_SIM_CLUSTER_FAULT_H

#include "cluster_world.h"

/**
 * enum cl_fault_kind - what goes wrong
 * @CL_FAULT_CRASH: a node crashes before one of its next actions
 * @CL_FAULT_CRASH_HOLDER: the one that has a volume attached
 * @CL_FAULT_CRASH_ALL: all of them, at about the same time
 * @CL_FAULT_TAKEOVER: another node attaches; the old holder is not told
 * @CL_FAULT_REATTACH: the holder attaches anew, with a new term
 * @CL_FAULT_RELEASE: the holder releases, another node attaches
 * @CL_FAULT_SAME_TERM: after a reboot the holder tries its old term again
 * @CL_FAULT_CUT: the link between two nodes is cut
 * @CL_FAULT_ONE_WAY: in one direction only
 * @CL_FAULT_ISOLATE: all links of a node are cut
 * @CL_FAULT_RESET: a connection is reset, and what is under way lost
 * @CL_FAULT_SLOW_LINK: messages of a node take long
 * @CL_FAULT_SLOW_DISK: so does its disk
 * @CL_FAULT_STALL: the machine stands still, the clocks do not
 * @CL_FAULT_MUTE: its heartbeats are lost: leases run out
 * @CL_FAULT_READ_EIO: reads of its disk fail
 * @CL_FAULT_READ_BAD: reads of its disk give other bytes
 * @CL_FAULT_NO_ROOM: its log has no room for most records; they wait
 * @CL_FAULT_FULL: its store has no home for most writes, later it has again
 * @CL_FAULT_STORE: writes of its disk fail: the store stops for good
 * @CL_FAULT_ROT: a bit of its log is flipped while it is down
 * @CL_FAULT_ROLLBACK: it crashes, and its disk is an old image, or blank, then
 * @CL_FAULT_NR: how many
 */
enum cl_fault_kind {
	CL_FAULT_CRASH,
	CL_FAULT_CRASH_HOLDER,
	CL_FAULT_CRASH_ALL,
	CL_FAULT_TAKEOVER,
	CL_FAULT_REATTACH,
	CL_FAULT_RELEASE,
	CL_FAULT_SAME_TERM,
	CL_FAULT_CUT,
	CL_FAULT_ONE_WAY,
	CL_FAULT_ISOLATE,
	CL_FAULT_RESET,
	CL_FAULT_SLOW_LINK,
	CL_FAULT_SLOW_DISK,
	CL_FAULT_STALL,
	CL_FAULT_MUTE,
	CL_FAULT_READ_EIO,
	CL_FAULT_READ_BAD,
	CL_FAULT_NO_ROOM,
	CL_FAULT_FULL,
	CL_FAULT_STORE,
	CL_FAULT_ROT,
	CL_FAULT_ROLLBACK,
	CL_FAULT_NR,
};

#define CL_FAULT_REAL 2 /* the last ones need a disk */

/**
 * enum cl_phase - where the newest attach of a volume is when that happens
 * @CL_PHASE_NONE: nowhere: its node is down, or it was stopped
 * @CL_PHASE_OPENING: as the leader says
 * @CL_PHASE_RECOVERING: as the leader says
 * @CL_PHASE_READY: as the leader says
 * @CL_PHASE_SERVING: and all members are in the live stream
 * @CL_PHASE_CATCHUP: one of them is not, it is being compared or filled
 * @CL_PHASE_RELEASING: as the leader says
 * @CL_PHASE_LEAVING: the same, before its history is settled
 * @CL_PHASE_GROWING: shards are added; what it had serves
 * @CL_PHASE_NR: how many
 */
enum cl_phase {
	CL_PHASE_NONE,
	CL_PHASE_OPENING,
	CL_PHASE_RECOVERING,
	CL_PHASE_READY,
	CL_PHASE_SERVING,
	CL_PHASE_JOINT, /* the same, with a joint set */
	CL_PHASE_CATCHUP,
	CL_PHASE_RELEASING,
	CL_PHASE_LEAVING,
	CL_PHASE_GROWING,
	CL_PHASE_NR,
};

#define CL_FAULT_SLOTS 16
#define CL_FAULT_ARMED 3
#define CL_ROLLBACK_NS (150 * CL_MS) /* longest from image to crash */

struct cl_fault {
	bool active;
	u8 kind;
	u32 node;
	u32 peer;
	u32 voter;
	u32 volume;
};

/* @hit: faults by phase, of all schedules */
struct cl_faults {
	struct cl_fault slot[CL_FAULT_SLOTS];
	u32 left; /* still to come */
	u32 nr_armed;
	struct {
		u8 kind;
		u8 phase;
	} armed[CL_FAULT_ARMED];
	u64 again[CL_NODES + 1][CL_VOLUMES]; /* terms to try again */
	u64 hit[CL_FAULT_NR][CL_PHASE_NR];
};

const char *cl_fault_name(enum cl_fault_kind kind);
const char *cl_phase_name(enum cl_phase phase);

/* cluster_rollback.c */
u32 cl_rollback_victim(struct cl_world *w, u32 id);
void cl_rollback_strike(struct cl_world *w, struct cl_fault *fault);
void cl_rollback(struct cl_world *w, u32 id);

#endif /* QBD_SIM_CLUSTER_FAULT_H */
