// SPDX-License-Identifier: GPL-2.0-only
/*
 * Payload pages: allocation, release, limbo.  Why is in pages.h.
 *
 * Allocation takes from, in this order: this CPU's free pages, the limbo of
 * this CPU, the common list, the kernel (never waiting, up to the bound), the
 * limbos of all CPUs.  Release puts into this CPU's free pages, then into the
 * common list, or into the limbo.
 *
 * Locks: each CPU's lock and pool->lock are never held together, so that any
 * CPU may look into another one's limbo.  All are irq-safe: the end of a bio
 * or a socket's actor may release a payload.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include "core/block.h"
#include "fault.h"
#include "pages.h"
#include "trace.h"

static unsigned int pool_max_mib;
module_param(pool_max_mib, uint, 0644);
MODULE_PARM_DESC(pool_max_mib,
		 "MiB of pages in each pool (0: a sixteenth of memory)");

/**
 * struct qbd_pool_cpu - one CPU's part of a pool
 * @lock: rank POOL
 * @nr_free: pages in @free [lock]
 * @limbo_first: oldest page in @limbo [lock]
 * @limbo_nr: pages in @limbo [lock; READ_ONCE ok]
 * @free: free pages, a stack [lock]
 * @limbo: released pages with foreign references, a FIFO [lock]
 */
struct qbd_pool_cpu {
	spinlock_t lock; /* rank POOL */
	u32 nr_free;
	u32 limbo_first;
	u32 limbo_nr;
	struct page *free[QBD_POOL_CPU_FREE];
	struct page *limbo[QBD_POOL_CPU_LIMBO];
};

/* Counters as in struct qbd_pool_counts; each CPU adds to its own. */
struct qbd_pool_stats {
	u64 recycled;
	u64 from_limbo;
	u64 fresh;
	u64 to_limbo;
	u64 overflow;
	u64 exhausted;
};

/* Never wait, never dip into the emergency reserve: that is not for data. */
#define QBD_POOL_GFP (GFP_NOWAIT | __GFP_NOWARN | __GFP_NOMEMALLOC)

/*
 * Nobody else has the page.  All our own uses are over (refs went to 0), and
 * no new foreign one can begin without ours: 1 is final.  Pairs with the
 * release that put_page() implies on the other side: what they did with the
 * page is over before we write to it.
 */
static bool qbd_page_alone(struct page *page)
{
	if (page_ref_count(page) != 1)
		return false;
	smp_acquire__after_ctrl_dep();
	return true;
}

static void qbd_pool_disown(struct qbd_pool *pool, struct page *page)
{
	put_page(page);
	if (atomic_dec_return(&pool->owned) < pool->reserve)
		queue_work(system_unbound_wq, &pool->refill);
}

/*
 * Looks at up to @budget pages of a limbo, oldest first; takes those that are
 * alone, puts the others at its end.
 */
static u32 qbd_pool_cpu_rescue(struct qbd_pool_cpu *cpu, struct page **page,
			       u32 nr, u32 budget)
{
	unsigned long flags;
	struct page *oldest;
	u32 got = 0, at;

	if (!nr || !READ_ONCE(cpu->limbo_nr))
		return 0;
	spin_lock_irqsave(&cpu->lock, flags);
	budget = min(budget, cpu->limbo_nr);
	for (; budget && got < nr; budget--) {
		oldest = cpu->limbo[cpu->limbo_first];
		at = cpu->limbo_first + cpu->limbo_nr;
		cpu->limbo_first = (cpu->limbo_first + 1) % QBD_POOL_CPU_LIMBO;
		if (qbd_page_alone(oldest)) {
			page[got++] = oldest;
			WRITE_ONCE(cpu->limbo_nr, cpu->limbo_nr - 1);
		} else {
			cpu->limbo[at % QBD_POOL_CPU_LIMBO] = oldest;
		}
	}
	spin_unlock_irqrestore(&cpu->lock, flags);
	return got;
}

static u32 qbd_pool_take_cpu(struct qbd_pool *pool, struct page **page, u32 nr)
{
	struct qbd_pool_cpu *cpu = raw_cpu_ptr(pool->cpu);
	unsigned long flags;
	u32 got = 0;

	spin_lock_irqsave(&cpu->lock, flags);
	while (got < nr && cpu->nr_free)
		page[got++] = cpu->free[--cpu->nr_free];
	spin_unlock_irqrestore(&cpu->lock, flags);
	return got;
}

static u32 qbd_pool_take_common(struct qbd_pool *pool, struct page **page,
				u32 nr)
{
	unsigned long flags;
	struct page *next;
	u32 got = 0;

	if (!READ_ONCE(pool->nr_free))
		return 0;
	spin_lock_irqsave(&pool->lock, flags);
	while (got < nr && pool->nr_free) {
		next = list_first_entry(&pool->free, struct page, lru);
		list_del(&next->lru);
		WRITE_ONCE(pool->nr_free, pool->nr_free - 1);
		page[got++] = next;
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	return got;
}

static u32 qbd_pool_take_fresh(struct qbd_pool *pool, struct page **page,
			       u32 nr)
{
	u32 got = 0;

	while (got < nr) {
		if (atomic_inc_return(&pool->owned) > pool->max)
			break;
		page[got] = alloc_page(QBD_POOL_GFP);
		if (!page[got])
			break;
		got++;
	}
	if (got < nr)
		atomic_dec(&pool->owned);
	return got;
}

static u32 qbd_pool_take_limbos(struct qbd_pool *pool, struct page **page,
				u32 nr)
{
	struct qbd_pool_cpu *cpu;
	u32 got = 0;
	int i;

	for_each_possible_cpu(i) {
		cpu = per_cpu_ptr(pool->cpu, i);
		got += qbd_pool_cpu_rescue(cpu, page + got, nr - got,
					   QBD_POOL_CPU_LIMBO);
	}
	return got;
}

/* Other CPUs' free pages: the last resort, when they idle and we starve. */
static u32 qbd_pool_take_others(struct qbd_pool *pool, struct page **page,
				u32 nr)
{
	struct qbd_pool_cpu *cpu;
	unsigned long flags;
	u32 got = 0;
	int i;

	for_each_possible_cpu(i) {
		cpu = per_cpu_ptr(pool->cpu, i);
		spin_lock_irqsave(&cpu->lock, flags);
		while (got < nr && cpu->nr_free)
			page[got++] = cpu->free[--cpu->nr_free];
		spin_unlock_irqrestore(&cpu->lock, flags);
		if (got == nr)
			break;
	}
	return got;
}

static u32 qbd_pool_take(struct qbd_pool *pool, struct page **page, u32 nr)
{
	u32 got, limbo, fresh, more;

	got = qbd_pool_take_cpu(pool, page, nr);
	limbo = qbd_pool_cpu_rescue(raw_cpu_ptr(pool->cpu), page + got,
				    nr - got, 2 * nr);
	got += limbo;
	got += qbd_pool_take_common(pool, page + got, nr - got);
	fresh = qbd_pool_take_fresh(pool, page + got, nr - got);
	got += fresh;
	if (got < nr) {
		more = qbd_pool_take_limbos(pool, page + got, nr - got);
		limbo += more;
		got += more;
		got += qbd_pool_take_others(pool, page + got, nr - got);
	}
	this_cpu_add(pool->stats->recycled, got - fresh);
	this_cpu_add(pool->stats->fresh, fresh);
	this_cpu_add(pool->stats->from_limbo, limbo);
	return got;
}

/* Free pages go to this CPU; what it does not want goes to all. */
static void qbd_pool_give_free(struct qbd_pool *pool, struct page **page,
			       u32 nr)
{
	struct qbd_pool_cpu *cpu = raw_cpu_ptr(pool->cpu);
	unsigned long flags;
	u32 i = 0;

	spin_lock_irqsave(&cpu->lock, flags);
	while (i < nr && cpu->nr_free < QBD_POOL_CPU_FREE)
		cpu->free[cpu->nr_free++] = page[i++];
	spin_unlock_irqrestore(&cpu->lock, flags);
	if (i == nr)
		return;

	spin_lock_irqsave(&pool->lock, flags);
	for (; i < nr; i++) {
		list_add(&page[i]->lru, &pool->free);
		WRITE_ONCE(pool->nr_free, pool->nr_free + 1);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
}

static void qbd_pool_give_limbo(struct qbd_pool *pool, struct page *page)
{
	struct qbd_pool_cpu *cpu = raw_cpu_ptr(pool->cpu);
	unsigned long flags;
	bool full;
	u32 at;

	spin_lock_irqsave(&cpu->lock, flags);
	full = cpu->limbo_nr == QBD_POOL_CPU_LIMBO;
	if (!full) {
		at = (cpu->limbo_first + cpu->limbo_nr) % QBD_POOL_CPU_LIMBO;
		cpu->limbo[at] = page;
		WRITE_ONCE(cpu->limbo_nr, cpu->limbo_nr + 1);
	}
	spin_unlock_irqrestore(&cpu->lock, flags);
	if (!full) {
		this_cpu_inc(pool->stats->to_limbo);
		return;
	}
	this_cpu_inc(pool->stats->overflow);
	qbd_pool_disown(pool, page);
}

/* Memory above the reserve is for bursts: half the pool may idle, no more. */
static bool qbd_pool_surplus(struct qbd_pool *pool)
{
	return atomic_read(&pool->owned) > pool->reserve &&
	       READ_ONCE(pool->nr_free) >= pool->reserve;
}

static void qbd_pool_give(struct qbd_pool *pool, struct page **page, u32 nr)
{
	u32 i, kept = 0;

	for (i = 0; i < nr; i++) {
		if (page_is_pfmemalloc(page[i]) || qbd_pool_surplus(pool))
			qbd_pool_disown(pool, page[i]);
		else if (qbd_page_alone(page[i]))
			page[kept++] = page[i];
		else
			qbd_pool_give_limbo(pool, page[i]);
	}
	qbd_pool_give_free(pool, page, kept);
}

/* Wakes everybody: each tries again and queues again if there is too little. */
static void qbd_pool_wake_all(struct qbd_pool *pool)
{
	struct qbd_pool_waiter *waiter, *next;
	unsigned long flags;
	LIST_HEAD(now);

	spin_lock_irqsave(&pool->lock, flags);
	list_splice_init(&pool->waiters, &now);
	/* Called under the lock, so that cancel means "never again". */
	list_for_each_entry_safe(waiter, next, &now, entry) {
		list_del_init(&waiter->entry);
		waiter->wake(waiter);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
}

/* Who is missed here, as he is just joining, has the timer. */
static void qbd_pool_wake(struct qbd_pool *pool)
{
	if (!list_empty_careful(&pool->waiters))
		qbd_pool_wake_all(pool);
}

/**
 * qbd_pool_wait() - call back when pages may be had
 * @pool: the pool
 * @waiter: not in the list already, or in it: then nothing happens
 *
 * The call may come before this function returns.  A timer sees to it that it
 * comes: pages that come free in a socket give no sign, and pages that came
 * free since the caller's attempt may have found nobody to wake.
 *
 * Context: any.
 */
void qbd_pool_wait(struct qbd_pool *pool, struct qbd_pool_waiter *waiter)
{
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	if (list_empty(&waiter->entry))
		list_add_tail(&waiter->entry, &pool->waiters);
	spin_unlock_irqrestore(&pool->lock, flags);
	if (!timer_pending(&pool->limbo_timer))
		mod_timer(&pool->limbo_timer,
			  jiffies + msecs_to_jiffies(QBD_POOL_LIMBO_MS));
}

/**
 * qbd_pool_wait_cancel() - do not call back any more
 * @pool: the pool
 * @waiter: waiting, or not
 *
 * Context: any but from @waiter->wake. When it returns the call has ended or
 * will not come.
 */
void qbd_pool_wait_cancel(struct qbd_pool *pool, struct qbd_pool_waiter *waiter)
{
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	list_del_init(&waiter->entry);
	spin_unlock_irqrestore(&pool->lock, flags);
}

/*
 * Somebody waits: let him try, whoever released what. Always with the lock: a
 * waiter joins under it and then looks whether the timer is pending. Were the
 * list looked at without it, each of the two could miss what the other one had
 * just written, and the waiter would wait for ever.
 */
static void qbd_pool_limbo_fn(struct timer_list *timer)
{
	struct qbd_pool *pool = from_timer(pool, timer, limbo_timer);

	qbd_pool_wake_all(pool);
}

static void qbd_pool_refill_fn(struct work_struct *work)
{
	struct qbd_pool *pool = container_of(work, struct qbd_pool, refill);
	struct page *page;

	while (atomic_read(&pool->owned) < pool->reserve) {
		page = alloc_page(GFP_NOIO | __GFP_NOWARN | __GFP_NORETRY);
		if (!page)
			break;
		atomic_inc(&pool->owned);
		qbd_pool_give_free(pool, &page, 1);
		cond_resched();
	}
	qbd_pool_wake(pool);
}

/**
 * qbd_pool_giver_add() - register somebody who can be asked for pages
 * @pools: the pools
 * @giver: he
 *
 * Context: any.
 */
void qbd_pool_giver_add(struct qbd_pools *pools, struct qbd_pool_giver *giver)
{
	unsigned long flags;

	spin_lock_irqsave(&pools->lock, flags);
	list_add_tail(&giver->entry, &pools->givers);
	spin_unlock_irqrestore(&pools->lock, flags);
}

/**
 * qbd_pool_giver_del() - do not ask him any more
 * @pools: the pools
 * @giver: registered
 *
 * Context: any but from @giver->give.
 */
void qbd_pool_giver_del(struct qbd_pools *pools, struct qbd_pool_giver *giver)
{
	unsigned long flags;

	spin_lock_irqsave(&pools->lock, flags);
	list_del(&giver->entry);
	spin_unlock_irqrestore(&pools->lock, flags);
}

/* He may have payloads of any pool: what he keeps came from all of them. */
static void qbd_pools_ask(struct qbd_pools *pools, const struct qbd_pool *pool)
{
	struct qbd_pool_giver *giver;
	unsigned long flags;

	spin_lock_irqsave(&pools->lock, flags);
	list_for_each_entry(giver, &pools->givers, entry)
		giver->give(giver, pool);
	spin_unlock_irqrestore(&pools->lock, flags);
}

static void qbd_payload_free(struct qbd_payload *payload)
{
	struct qbd_pool *pool = payload->pool;

	qbd_pool_give(pool, payload->page, payload->nr_pages);
	mempool_free(payload, payload->small ? &pool->small : &pool->large);
}

/**
 * qbd_payload_alloc() - get a payload
 * @pool: where from
 * @nr_pages: pages, 1 to QBD_PAYLOAD_PAGES_MAX
 *
 * The pages hold what they held before.  @crc is the caller's to set.
 *
 * Context: any. Never waits.
 * Return: a payload with one reference, NULL if there are no pages now: see
 * qbd_pool_wait().
 */
struct qbd_payload *qbd_payload_alloc(struct qbd_pool *pool, u32 nr_pages)
{
	struct qbd_payload *payload;
	bool small;
	u32 got;

	if (WARN_ON_ONCE(!nr_pages || nr_pages > QBD_PAYLOAD_PAGES_MAX))
		return NULL;
	if (qbd_fault(QBD_FAULT_POOL_EMPTY))
		goto exhausted;
	small = nr_pages <= QBD_PAYLOAD_PAGES_SMALL;
	payload = mempool_alloc(small ? &pool->small : &pool->large,
				QBD_POOL_GFP);
	if (!payload)
		goto exhausted;

	refcount_set(&payload->refs, 1);
	payload->nr_pages = nr_pages;
	payload->small = small;
	payload->crc = 0;
	payload->pool = pool;
	got = qbd_pool_take(pool, payload->page, nr_pages);
	if (got == nr_pages)
		return payload;

	/* Wakes nobody: two who starve would wake each other for ever. */
	payload->nr_pages = got;
	qbd_payload_free(payload);
exhausted:
	this_cpu_inc(pool->stats->exhausted);
	trace_qbd_pool_exhausted(nr_pages, atomic_read(&pool->owned),
				 READ_ONCE(pool->nr_free));
	qbd_pools_ask(pool->pools, pool);
	return NULL;
}

/**
 * qbd_payload_get() - one more reference
 * @payload: the payload
 *
 * Context: any.
 * Return: @payload.
 */
struct qbd_payload *qbd_payload_get(struct qbd_payload *payload)
{
	refcount_inc(&payload->refs);
	return payload;
}

/**
 * qbd_payload_put() - drop a reference
 * @payload: the payload, may be NULL
 *
 * Context: any.
 */
void qbd_payload_put(struct qbd_payload *payload)
{
	struct qbd_pool *pool;

	if (!payload || !refcount_dec_and_test(&payload->refs))
		return;
	pool = payload->pool;
	qbd_payload_free(payload);
	qbd_pool_wake(pool);
}

/**
 * qbd_payload_verify() - are the bytes what they should be?
 * @payload: the payload
 * @blocks: how much of it
 * @crc: CRC32C that it should have
 *
 * Context: may sleep: up to 1 MiB is read.
 * Return: 0 or -EBADMSG.
 */
int qbd_payload_verify(const struct qbd_payload *payload, u32 blocks, u32 crc)
{
	u32 sum = ~0U;
	u32 i;

	for (i = 0; i < blocks; i++) {
		sum = qbd_payload_crc(sum, page_address(payload->page[i]),
				      QBD_BLOCK_SIZE);
		cond_resched();
	}
	return sum == crc ? 0 : -EBADMSG;
}

/**
 * qbd_pool_counts_get() - what became of the pages so far
 * @pool: the pool
 * @counts: filled in
 *
 * Context: any.
 */
void qbd_pool_counts_get(const struct qbd_pool *pool,
			 struct qbd_pool_counts *counts)
{
	const struct qbd_pool_stats *stats;
	int i;

	memset(counts, 0, sizeof(*counts));
	for_each_possible_cpu(i) {
		stats = per_cpu_ptr(pool->stats, i);
		counts->recycled += stats->recycled;
		counts->from_limbo += stats->from_limbo;
		counts->fresh += stats->fresh;
		counts->to_limbo += stats->to_limbo;
		counts->overflow += stats->overflow;
		counts->exhausted += stats->exhausted;
	}
	counts->owned = atomic_read(&pool->owned);
	counts->free = READ_ONCE(pool->nr_free);
}

static int qbd_pool_init_objects(struct qbd_pool *pool)
{
	struct qbd_payload *payload;
	int err;

	err = mempool_init_kmalloc_pool(&pool->small, QBD_POOL_SMALL_MIN,
					struct_size(payload, page,
						    QBD_PAYLOAD_PAGES_SMALL));
	if (err)
		return err;
	err = mempool_init_kmalloc_pool(&pool->large, QBD_POOL_LARGE_MIN,
					struct_size(payload, page,
						    QBD_PAYLOAD_PAGES_MAX));
	if (err)
		mempool_exit(&pool->small);
	return err;
}

static int qbd_pool_fill(struct qbd_pool *pool)
{
	struct page *page;

	while (atomic_read(&pool->owned) < pool->reserve) {
		page = alloc_page(GFP_KERNEL);
		if (!page)
			return -ENOMEM;
		atomic_inc(&pool->owned);
		list_add(&page->lru, &pool->free);
		pool->nr_free++;
		cond_resched();
	}
	return 0;
}

static void qbd_pool_destroy(struct qbd_pool *pool)
{
	struct qbd_pool_cpu *cpu;
	struct page *page, *next;
	int i;

	WARN_ON_ONCE(!list_empty(&pool->waiters));
	pool->reserve = 0;
	timer_shutdown_sync(&pool->limbo_timer);
	cancel_work_sync(&pool->refill);
	for_each_possible_cpu(i) {
		cpu = per_cpu_ptr(pool->cpu, i);
		while (cpu->nr_free)
			qbd_pool_disown(pool, cpu->free[--cpu->nr_free]);
		while (cpu->limbo_nr--)
			qbd_pool_disown(pool, cpu->limbo[cpu->limbo_first++ %
							 QBD_POOL_CPU_LIMBO]);
	}
	list_for_each_entry_safe(page, next, &pool->free, lru) {
		list_del(&page->lru);
		qbd_pool_disown(pool, page);
	}
	WARN_ON_ONCE(atomic_read(&pool->owned));
	mempool_exit(&pool->large);
	mempool_exit(&pool->small);
	free_percpu(pool->stats);
	free_percpu(pool->cpu);
}

/* Most pages of a pool; what it keeps in reserve is the least. */
static u32 qbd_pool_max(u32 reserve_pages)
{
	u64 max = (u64)READ_ONCE(pool_max_mib) << (20 - PAGE_SHIFT);

	if (!max)
		max = totalram_pages() >> QBD_POOL_MAX_SHIFT;
	return clamp_t(u64, max, reserve_pages, S32_MAX);
}

static int qbd_pool_init(struct qbd_pool *pool, struct qbd_pools *pools,
			 u32 reserve_pages)
{
	struct qbd_pool_cpu *cpu;
	int err = -ENOMEM;
	int i;

	memset(pool, 0, sizeof(*pool));
	pool->pools = pools;
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->free);
	INIT_LIST_HEAD(&pool->waiters);
	timer_setup(&pool->limbo_timer, qbd_pool_limbo_fn, 0);
	INIT_WORK(&pool->refill, qbd_pool_refill_fn);
	pool->reserve = reserve_pages;
	pool->max = qbd_pool_max(reserve_pages);

	pool->cpu = alloc_percpu(struct qbd_pool_cpu);
	pool->stats = alloc_percpu(struct qbd_pool_stats);
	if (!pool->cpu || !pool->stats)
		goto err_percpu;
	for_each_possible_cpu(i) {
		cpu = per_cpu_ptr(pool->cpu, i);
		spin_lock_init(&cpu->lock);
	}
	err = qbd_pool_init_objects(pool);
	if (err)
		goto err_percpu;
	err = qbd_pool_fill(pool);
	if (err)
		qbd_pool_destroy(pool);
	return err;

err_percpu:
	free_percpu(pool->stats);
	free_percpu(pool->cpu);
	return err;
}

/**
 * qbd_pools_init() - make the pools of a node
 * @pools: the pools
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int qbd_pools_init(struct qbd_pools *pools)
{
	static const u32 reserve[QBD_NR_POOLS] = {
		[QBD_POOL_LOCAL] = QBD_POOL_LOCAL_RESERVE_PAGES,
		[QBD_POOL_PEER] = QBD_POOL_PEER_RESERVE_PAGES,
		[QBD_POOL_SEND] = QBD_POOL_OTHER_RESERVE_PAGES,
		[QBD_POOL_FETCH] = QBD_POOL_OTHER_RESERVE_PAGES,
		[QBD_POOL_RELOG] = QBD_POOL_OTHER_RESERVE_PAGES,
	};
	int err;
	u32 i;

	spin_lock_init(&pools->lock);
	INIT_LIST_HEAD(&pools->givers);
	for (i = 0; i < QBD_NR_POOLS; i++) {
		err = qbd_pool_init(&pools->pool[i], pools, reserve[i]);
		if (err)
			goto err_pools;
	}
	return 0;

err_pools:
	while (i--)
		qbd_pool_destroy(&pools->pool[i]);
	return err;
}

/**
 * qbd_pools_destroy() - give everything back
 * @pools: the pools; no payload of them is in use
 *
 * Pages that a socket still has are its own from now on.
 *
 * Context: may sleep.
 */
void qbd_pools_destroy(struct qbd_pools *pools)
{
	u32 i;

	WARN_ON_ONCE(!list_empty(&pools->givers));
	for (i = 0; i < QBD_NR_POOLS; i++)
		qbd_pool_destroy(&pools->pool[i]);
}
