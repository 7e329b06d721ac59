/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A log store that is looked at, for the verbs of qbdctl state.
 */
#ifndef QBD_DAEMON_STATE_IMAGE_H
#define QBD_DAEMON_STATE_IMAGE_H

#include "raftlog/image.h"
#include "raftlog/raftlog.h"

/**
 * struct state_image - a directory, locked and read
 * @path: of it
 * @env: it
 * @report: what was found
 * @img: what is there
 */
struct state_image {
	const char *path;
	struct raftlog_env env;
	struct raftlog_report report;
	struct rl_image img;
};

/* state.c */
bool state_image_open(struct state_image *state, const char *path);
void state_image_close(struct state_image *state);
int state_image_verdict(const struct state_image *state);
const char *state_advice(enum raftlog_severity severity);

#endif /* QBD_DAEMON_STATE_IMAGE_H */
