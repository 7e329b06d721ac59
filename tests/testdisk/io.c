// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of a test disk in time: arrival, delay, completion, and being stuck.
 *
 * A request is admitted (memory reserved, counted, faults applied, recorded,
 * armed crash checked), waits in td_dev.inflight for its timer or for
 * "release", and takes effect when it completes.  Only the one who takes it off
 * that list under the lock ends it.  A request in the list that is not held has
 * a running timer or a callback that waits for the lock.
 *
 * Context: queue_rq in process or softirq context; timers expire in softirq
 * context, so that td_dev.lock needs no hard interrupt protection.
 */
#include "testdisk.h"

static void td_io_start_timer(struct td_cmd *cmd)
{
	hrtimer_start(&cmd->timer, ktime_add_ns(cmd->start, cmd->delay_ns),
		      HRTIMER_MODE_ABS_SOFT);
}

/* Count the request, and give it a number if it can change the medium. */
static void td_io_count(struct td_dev *td, struct td_cmd *cmd)
{
	struct td_stats *stats = &td->stats;
	u64 sectors = cmd->op.len >> SECTOR_SHIFT;

	switch (cmd->op.kind) {
	case TD_READ:
		stats->reads++;
		stats->read_sectors += sectors;
		return;
	case TD_WRITE:
		stats->writes++;
		stats->fuas += cmd->op.fua;
		stats->write_sectors += sectors;
		break;
	case TD_DISCARD:
		stats->discards++;
		break;
	case TD_ZEROES:
		stats->zeroes++;
		break;
	default:
		stats->flushes++;
		break;
	}
	cmd->no = ++td->ops;
}

static u64 td_io_delay(const struct td_dev *td, const struct td_cmd *cmd)
{
	const struct td_latency *lat = &td->latency;

	switch (cmd->op.kind) {
	case TD_READ:
		return lat->read_ns + lat->kib_ns * (cmd->op.len >> 10);
	case TD_WRITE:
		return lat->write_ns + lat->kib_ns * (cmd->op.len >> 10);
	case TD_FLUSH:
		return lat->flush_ns;
	default:
		return lat->write_ns;
	}
}

static void td_io_hold(struct td_dev *td, struct td_cmd *cmd)
{
	cmd->held = true;
	td->nr_held++;
}

/*
 * Without power a request fails at once or stays unanswered.
 * Return: true when the caller is to end it.
 */
static bool td_io_refuse(struct td_dev *td, struct td_cmd *cmd)
{
	cmd->status = BLK_STS_IOERR;
	if (td->gone || !td->holding) {
		td->stats.errors++;
		return true;
	}
	cmd->dead = true;
	list_add_tail(&cmd->link, &td->inflight);
	td->nr_inflight++;
	td_io_hold(td, cmd);
	return false;
}

/* Return: true when the caller is to end the request. */
static bool td_io_admit(struct td_dev *td, struct td_cmd *cmd)
{
	bool stall;

	cmd->delay_ns = td_io_delay(td, cmd);
	td_io_count(td, cmd);
	stall = td_fault_apply(td, cmd);
	if (cmd->op.kind == TD_FLUSH)
		cmd->flush_seq = td_store_flush_begin(&td->store);
	list_add_tail(&cmd->link, &td->inflight);
	td->nr_inflight++;
	if (cmd->no) {
		td_record_submit(td, cmd);
		if (td->crash_left && !--td->crash_left)
			td_crash_now(td, &td->armed);
	}
	if (cmd->dead ? td->holding : stall) {
		td_io_hold(td, cmd);
		return false;
	}
	if (cmd->delay_ns && !cmd->dead) {
		td_io_start_timer(cmd);
		return false;
	}
	td_cmd_finish(td, cmd);
	return true;
}

/**
 * td_io_expedite() - let requests that a crash killed end soon
 * @td: the device
 *
 * A request whose timer cannot be stopped is about to end anyway; one that is
 * just arriving has no timer yet.
 */
void td_io_expedite(struct td_dev *td)
{
	struct td_cmd *cmd;

	lockdep_assert_held(&td->lock);
	list_for_each_entry(cmd, &td->inflight, link) {
		if (cmd->held) {
			cmd->held = false;
			td->nr_held--;
		} else if (hrtimer_try_to_cancel(&cmd->timer) <= 0) {
			continue;
		}
		cmd->delay_ns = 0;
		td_io_start_timer(cmd);
	}
}

static void td_io_end_one(struct td_cmd *cmd)
{
	blk_mq_end_request(blk_mq_rq_from_pdu(cmd), cmd->status);
}

/* End a finished request, by way of the backing device where there is one. */
static void td_io_done(struct td_dev *td, struct td_cmd *cmd)
{
	bool durable = cmd->op.kind == TD_FLUSH || cmd->op.fua ||
		       !td->store.cache;

	if (td->backing && cmd->no && !cmd->dead && durable)
		td_backing_queue(td, cmd);
	else
		td_io_end_one(cmd);
}

/**
 * td_io_end() - end finished requests
 * @done: list of struct td_cmd
 */
void td_io_end(struct list_head *done)
{
	struct td_cmd *cmd, *next;

	list_for_each_entry_safe(cmd, next, done, link) {
		list_del_init(&cmd->link);
		td_io_end_one(cmd);
	}
}

static void td_io_done_list(struct td_dev *td, struct list_head *done)
{
	struct td_cmd *cmd, *next;

	list_for_each_entry_safe(cmd, next, done, link) {
		list_del_init(&cmd->link);
		td_io_done(td, cmd);
	}
}

static enum hrtimer_restart td_io_expire(struct hrtimer *timer)
{
	struct td_cmd *cmd = container_of(timer, struct td_cmd, timer);
	struct request *rq = blk_mq_rq_from_pdu(cmd);
	struct td_dev *td = rq->q->queuedata;

	spin_lock_bh(&td->lock);
	if (cmd->dead && td->holding && !td->gone) {
		td_io_hold(td, cmd);
		spin_unlock_bh(&td->lock);
		return HRTIMER_NORESTART;
	}
	td_cmd_finish(td, cmd);
	spin_unlock_bh(&td->lock);
	td_io_done(td, cmd);
	return HRTIMER_NORESTART;
}

static blk_status_t td_queue_rq(struct blk_mq_hw_ctx *hctx,
				const struct blk_mq_queue_data *bd)
{
	struct td_dev *td = hctx->queue->queuedata;
	struct td_cmd *cmd = blk_mq_rq_to_pdu(bd->rq);
	blk_status_t status;
	bool end;

	cmd->start = ktime_get();
	status = td_cmd_decode(td, bd->rq);
	if (status != BLK_STS_OK)
		return status;
	spin_lock_bh(&td->lock);
	if (td_store_reserve(&td->store, &cmd->op,
			     GFP_NOWAIT | __GFP_HIGH | __GFP_NOWARN,
			     &cmd->reserved)) {
		spin_unlock_bh(&td->lock);
		return BLK_STS_RESOURCE;
	}
	blk_mq_start_request(bd->rq);
	if (td->gone || td->state != TD_RUN)
		end = td_io_refuse(td, cmd);
	else
		end = td_io_admit(td, cmd);
	if (end && cmd->reserved) {
		td_store_unreserve(&td->store, cmd->reserved);
		cmd->reserved = 0;
	}
	spin_unlock_bh(&td->lock);
	if (end)
		td_io_done(td, cmd);
	return BLK_STS_OK;
}

static int td_init_request(struct blk_mq_tag_set *set, struct request *rq,
			   unsigned int hctx_idx, unsigned int numa_node)
{
	struct td_cmd *cmd = blk_mq_rq_to_pdu(rq);

	hrtimer_init(&cmd->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	cmd->timer.function = td_io_expire;
	return 0;
}

/* A stall is what the tester asked for; it is not for the kernel to end it. */
static enum blk_eh_timer_return td_timeout(struct request *rq)
{
	return BLK_EH_RESET_TIMER;
}

const struct blk_mq_ops td_mq_ops = {
	.queue_rq = td_queue_rq,
	.init_request = td_init_request,
	.timeout = td_timeout,
};

/**
 * td_io_fail() - end all that is in flight, for a disk that goes away
 * @td: the device, already gone, so that nothing new is admitted
 *
 * A timer whose callback has begun ends its request itself.
 */
void td_io_fail(struct td_dev *td)
{
	struct td_cmd *cmd, *next;
	LIST_HEAD(done);

	spin_lock_bh(&td->lock);
	list_for_each_entry_safe(cmd, next, &td->inflight, link) {
		if (!cmd->held && hrtimer_try_to_cancel(&cmd->timer) < 0)
			continue;
		if (!cmd->dead && cmd->op.kind == TD_FLUSH)
			td_store_flush_end(&td->store, cmd->flush_seq, false);
		cmd->dead = true;
		td_cmd_finish(td, cmd);
		list_add_tail(&cmd->link, &done);
	}
	spin_unlock_bh(&td->lock);
	td_io_end(&done);
}

/**
 * td_io_release() - let go of what stall faults hold
 * @td: the device
 */
void td_io_release(struct td_dev *td)
{
	struct td_cmd *cmd, *next;
	LIST_HEAD(done);

	spin_lock_bh(&td->lock);
	list_for_each_entry_safe(cmd, next, &td->inflight, link) {
		if (!cmd->held || cmd->dead)
			continue;
		td_cmd_finish(td, cmd);
		list_add_tail(&cmd->link, &done);
	}
	spin_unlock_bh(&td->lock);
	td_io_done_list(td, &done);
}

/**
 * td_io_revive() - power is back: serve again, fail what was left unanswered
 * @td: the device
 */
void td_io_revive(struct td_dev *td)
{
	struct td_cmd *cmd, *next;
	LIST_HEAD(done);

	spin_lock_bh(&td->lock);
	td->state = TD_RUN;
	td->holding = false;
	list_for_each_entry_safe(cmd, next, &td->inflight, link) {
		if (!cmd->held || !cmd->dead)
			continue;
		td_cmd_finish(td, cmd);
		list_add_tail(&cmd->link, &done);
	}
	spin_unlock_bh(&td->lock);
	td_io_end(&done);
}
