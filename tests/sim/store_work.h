/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens to a simulated store: users, leaders, readers, damage.
 */
#ifndef QBD_SIM_STORE_WORK_H
#define QBD_SIM_STORE_WORK_H

#include "store_world.h"

void qbd_work_run(struct qbd_world *w, u32 steps);
void qbd_work_quiet(struct qbd_world *w);
void qbd_work_close(struct qbd_world *w);
bool qbd_work_damage(struct qbd_world *w);

#endif /* QBD_SIM_STORE_WORK_H */
