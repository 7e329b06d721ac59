// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulation of a store: seeded schedules of work, power cuts and damage
 * against the real core, format, open and replay, checked with a plain model.
 *
 * usage: store_sim [--schedules N] [--seed S] [--trace] [--mutant NAME]
 *
 * Schedule i of a run has seed S + i.  A schedule formats a device, then goes
 * through some lives of the store: open, work, close or power cut, which may
 * hit any request of format, open, commit or checkpoint.  What the disk does
 * to it depends on the seed: most schedules have a healthy disk with a
 * volatile cache, some have I/O errors, some end with damage to the log, the
 * superblock or the metadata.
 *
 * Exit code: 0 no rule was broken; 1 one was; 2 usage.
 */

#include "sim_main.h"
#include "store_world.h"
#include "store_work.h"

static struct qbd_world *world;

/* A broken invariant is a broken rule, with a seed; it has an errno too. */
static void qbd_sim_bug(const char *file, int line, const char *cond)
{
	static char why[200];

	snprintf(why, sizeof(why), "invariant: %s:%d: %s", file, line, cond);
#ifdef QBD_MUTANTS
	/* A rule of the model has to find it too. */
	if (world && world->trace)
		printf("  %s\n", why);
#else
	if (world)
		qbd_world_broken(world, why);
#endif
}

/* A few hundred chunks at most, and a log that is full soon. */
static void qbd_sim_layout(struct qbd_world *w)
{
	struct qbd_layout *layout = &w->super.layout;

	layout->wal_blocks = 256 + 64 * qbd_rng_below(&w->rng, 5);
	layout->chunk_shift =
		QBD_CHUNK_SHIFT_MIN + (u32)qbd_rng_below(&w->rng, 2);
	w->dev_blocks =
		1280 + (qbd_rng_range(&w->rng, 6, 40) << layout->chunk_shift);
}

static void qbd_sim_disk(struct qbd_world *w, bool eio)
{
	struct qbd_disk_faults faults = {
		.latency_ns = qbd_rng_below(&w->rng, 200000),
		.stalled = 30000 * (u32)qbd_rng_below(&w->rng, 3),
		.stall_ns = 20000000,
	};

	if (eio) {
		faults.read_eio = 1000;
		faults.write_eio = 5000;
		faults.flush_eio = 50000;
	}
	qbd_disk_faults_set(w->disk, &faults);
}

/* The power comes back: format or open until neither is cut. */
static int qbd_sim_start(struct qbd_world *w, bool format)
{
	u32 tries;
	int error;

	for (tries = 0; tries < 8; tries++) {
		w->off = false;
		w->cut_after = U64_MAX;
		if (tries < 3 && qbd_rng_percent(&w->rng, 20))
			w->cut_after = qbd_rng_below(&w->rng, 30);
		error = format ? qbd_world_format(w) : qbd_world_open(w, false);
		if (error != -ENODEV)
			return error;
		qbd_world_destroy(w);
		if (w->why)
			return 0;
	}
	return -ENODEV;
}

/* One life of the store. Return: true if the schedule goes on. */
static bool qbd_sim_life(struct qbd_world *w, bool eio)
{
	int error;

	qbd_sim_disk(w, false);
	error = qbd_sim_start(w, false);
	if (error)
		qbd_world_broken(w, "open: refused");
	if (w->why)
		return false;
	w->cut_after = U64_MAX;
	qbd_world_verify(w, false);
	if (w->why)
		return false;
	qbd_sim_disk(w, eio);
	w->eios = false;
	if (qbd_rng_percent(&w->rng, 80))
		w->cut_after = qbd_rng_below(&w->rng, 400);
	qbd_work_run(w, (u32)qbd_rng_range(&w->rng, 50, 2500));
	if (!w->off && !w->why && !qbd_store_error(w->core)) {
		if (qbd_rng_percent(&w->rng, 50))
			qbd_work_quiet(w);
		if (qbd_rng_percent(&w->rng, 50))
			qbd_work_close(w);
	}
	if (!w->off && !w->why)
		qbd_disk_cut(w->disk);
	qbd_world_destroy(w);
	return !w->why;
}

/* The last life ends with damage: it must show, or not matter. */
static void qbd_sim_damage(struct qbd_world *w)
{
	bool super;

	qbd_sim_disk(w, false);
	if (qbd_sim_start(w, false) || w->why)
		return;
	w->cut_after = U64_MAX;
	qbd_world_verify(w, false);
	w->again = false;
	qbd_work_run(w, (u32)qbd_rng_range(&w->rng, 50, 800));
	if (w->why)
		return;
	super = qbd_work_damage(w);
	qbd_world_destroy(w);
	if (w->why)
		return;
	w->off = false;
	if (qbd_world_open(w, !super)) {
		if (super)
			qbd_world_broken(w, "open: one slot is not enough");
		return;
	}
	qbd_world_verify(w, !super);
}

static const char *qbd_sim_schedule(u64 seed, bool trace)
{
	struct qbd_world *w = calloc(1, sizeof(*w));
	const char *why;
	u32 lives;
	bool eio;

	if (!w)
		abort();
	world = w;
	w->rng.state = qbd_rng_mix(seed);
	/* Its own numbers, or all other schedules would be other ones. */
	w->again_rng.state = qbd_rng_mix(~seed);
	w->pin_rng.state = qbd_rng_mix(seed ^ 0x70696e);
	w->again = qbd_rng_percent(&w->again_rng, 25);
	w->trace = trace;
	INIT_LIST_HEAD(&w->ios);
	INIT_LIST_HEAD(&w->read_list);
	INIT_LIST_HEAD(&w->sync.write_list);
	w->next_id = 1;
	qbd_sim_layout(w);
	w->disk = qbd_disk_new(w->dev_blocks, qbd_rng_next(&w->rng));
	qbd_sim_disk(w, false);
	if (qbd_sim_start(w, true) == -EINVAL)
		qbd_world_broken(w, "format: refused");
	lives = (u32)qbd_rng_range(&w->rng, 1, 4);
	eio = qbd_rng_percent(&w->rng, 15);
	while (lives-- && !w->why && qbd_sim_life(w, eio))
		;
	if (!w->why && qbd_rng_percent(&w->rng, 25))
		qbd_sim_damage(w);
	qbd_world_destroy(w);
	why = w->why;
	qbd_model_free(&w->live);
	qbd_model_free(&w->durable);
	qbd_model_free(&w->maybe);
	qbd_model_free(&w->sync.ahead);
	qbd_disk_free(w->disk);
	world = NULL;
	free(w);
	return why;
}

int main(int argc, char **argv)
{
	struct sim_options opt = { 0 };
	const char *why;
	u64 i;

	sim_begin(&opt, argc, argv, qbd_sim_bug);
	for (i = 0; i < opt.schedules; i++) {
		why = qbd_sim_schedule(opt.seed + i, opt.trace);
		if (!why)
			continue;
		sim_fail(&opt, opt.seed + i, i + 1, why, NULL);
		return 1;
	}
	printf("store_sim: %llu schedules from seed %llu, no rule broken\n",
	       opt.schedules, opt.seed);
	return 0;
}
