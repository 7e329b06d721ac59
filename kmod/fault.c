// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failpoints: counters, and their files in debugfs.  See fault.h.
 *
 * It does not know what failing means: the point does that.
 *
 * Context: points any, files process.  No locks: each counter is atomic; the
 * static key stays on once a point was armed, until the module goes.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include "fault.h"

DEFINE_STATIC_KEY_FALSE(qbd_fault_armed);

/* Passes left until it fails; 0 = disarmed. */
static atomic_t qbd_fault_left[QBD_FAULT_NR];

static const char *const qbd_fault_name[QBD_FAULT_NR] = {
#define QBD_FAULT_NAME(name, file) [QBD_FAULT_##name] = #file,
	QBD_FAULT_POINTS(QBD_FAULT_NAME)
#undef QBD_FAULT_NAME
};

static struct dentry *qbd_fault_dir;

/**
 * qbd_fault_pass() - a point is passed while some point is armed
 * @fault: the point
 *
 * Return: true if it is to fail.
 */
bool qbd_fault_pass(enum qbd_fault fault)
{
	return atomic_dec_if_positive(&qbd_fault_left[fault]) == 0;
}

static int qbd_fault_set(void *data, u64 value)
{
	if (value > INT_MAX)
		return -ERANGE;
	static_branch_enable(&qbd_fault_armed);
	atomic_set((atomic_t *)data, value);
	return 0;
}

static int qbd_fault_get(void *data, u64 *value)
{
	*value = atomic_read((atomic_t *)data);
	return 0;
}

DEFINE_DEBUGFS_ATTRIBUTE(qbd_fault_fops, qbd_fault_get, qbd_fault_set,
			 "%llu\n");

/**
 * qbd_fault_init() - make the files
 * @parent: qbd's directory in debugfs
 */
void qbd_fault_init(struct dentry *parent)
{
	u32 i;

	qbd_fault_dir = debugfs_create_dir("fault", parent);
	for (i = 0; i < QBD_FAULT_NR; i++)
		debugfs_create_file_unsafe(qbd_fault_name[i], 0600,
					   qbd_fault_dir, &qbd_fault_left[i],
					   &qbd_fault_fops);
}

/**
 * qbd_fault_exit() - remove the files
 */
void qbd_fault_exit(void)
{
	debugfs_remove_recursive(qbd_fault_dir);
	qbd_fault_dir = NULL;
}
