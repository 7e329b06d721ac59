// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps from ranges of blocks to a number; see extmap.h.
 *
 * An AVL tree on indexes instead of pointers: nodes are half the size and the
 * whole pool can lie anywhere.  No recursion: the way down is kept in a path
 * of links, which is walked back to restore the balance.
 */
#include "env.h"
#include "extmap.h"

/* Height of an AVL tree of 2^32 nodes, rounded up. */
#define QBD_EXT_DEPTH 48

/**
 * struct qbd_ext_path - the way from the root to a node
 * @link: links followed, each the place that holds a node's number
 * @nr: how many
 */
struct qbd_ext_path {
	u32 *link[QBD_EXT_DEPTH];
	u32 nr;
};

/* A tree of free nodes joins the pool. */
static void qbd_ext_push(struct qbd_ext_pool *pool, u32 root)
{
	if (root == QBD_EXT_NONE)
		return;
	pool->node[root].val = pool->free;
	pool->free = root;
}

/**
 * qbd_ext_pool_init() - start with all nodes free
 * @pool: to be filled in
 * @nr: number of nodes
 * @mem: @nr times sizeof(struct qbd_ext)
 */
void qbd_ext_pool_init(struct qbd_ext_pool *pool, u32 nr, void *mem)
{
	u32 i;

	pool->node = mem;
	pool->free = QBD_EXT_NONE;
	pool->nr = nr;
	pool->nr_free = nr;
	for (i = nr; i-- > 0;) {
		pool->node[i].left = QBD_EXT_NONE;
		pool->node[i].right = QBD_EXT_NONE;
		qbd_ext_push(pool, i);
	}
}

static u32 qbd_ext_alloc(struct qbd_ext_pool *pool, u32 start, u32 blocks,
			 u64 val)
{
	u32 n = pool->free;
	struct qbd_ext *ext = &pool->node[n];

	pool->free = (u32)ext->val;
	qbd_ext_push(pool, ext->left);
	qbd_ext_push(pool, ext->right);
	pool->nr_free--;
	ext->start = start;
	ext->blocks = blocks;
	ext->val = val;
	ext->left = QBD_EXT_NONE;
	ext->right = QBD_EXT_NONE;
	ext->height = 1;
	return n;
}

/**
 * qbd_extmap_init() - start with an empty map
 * @map: to be filled in
 */
void qbd_extmap_init(struct qbd_extmap *map)
{
	map->root = QBD_EXT_NONE;
	map->nr = 0;
}

/**
 * qbd_extmap_drop() - empty a map
 * @pool: its nodes
 * @map: the map
 */
void qbd_extmap_drop(struct qbd_ext_pool *pool, struct qbd_extmap *map)
{
	qbd_ext_push(pool, map->root);
	pool->nr_free += map->nr;
	qbd_extmap_init(map);
}

static u32 qbd_ext_height(const struct qbd_ext_pool *pool, u32 n)
{
	return n == QBD_EXT_NONE ? 0 : pool->node[n].height;
}

static void qbd_ext_measure(struct qbd_ext_pool *pool, u32 n)
{
	struct qbd_ext *ext = &pool->node[n];

	ext->height = 1 + max(qbd_ext_height(pool, ext->left),
			      qbd_ext_height(pool, ext->right));
}

/* The left child takes the place of its parent. */
static void qbd_ext_rotate_right(struct qbd_ext_pool *pool, u32 *link)
{
	u32 down = *link;
	u32 up = pool->node[down].left;

	pool->node[down].left = pool->node[up].right;
	pool->node[up].right = down;
	*link = up;
	qbd_ext_measure(pool, down);
	qbd_ext_measure(pool, up);
}

/* The right child takes the place of its parent. */
static void qbd_ext_rotate_left(struct qbd_ext_pool *pool, u32 *link)
{
	u32 down = *link;
	u32 up = pool->node[down].right;

	pool->node[down].right = pool->node[up].left;
	pool->node[up].left = down;
	*link = up;
	qbd_ext_measure(pool, down);
	qbd_ext_measure(pool, up);
}

/* Above 0 if the left side is higher, below 0 if the right one is. */
static int qbd_ext_lean(const struct qbd_ext_pool *pool, u32 n)
{
	return (int)qbd_ext_height(pool, pool->node[n].left) -
	       (int)qbd_ext_height(pool, pool->node[n].right);
}

static void qbd_ext_balance(struct qbd_ext_pool *pool, u32 *link)
{
	struct qbd_ext *ext = &pool->node[*link];
	int lean = qbd_ext_lean(pool, *link);

	if (lean > 1) {
		if (qbd_ext_lean(pool, ext->left) < 0)
			qbd_ext_rotate_left(pool, &ext->left);
		qbd_ext_rotate_right(pool, link);
	} else if (lean < -1) {
		if (qbd_ext_lean(pool, ext->right) > 0)
			qbd_ext_rotate_right(pool, &ext->right);
		qbd_ext_rotate_left(pool, link);
	} else {
		qbd_ext_measure(pool, *link);
	}
}

static void qbd_ext_balance_path(struct qbd_ext_pool *pool,
				 const struct qbd_ext_path *path)
{
	u32 i;

	for (i = path->nr; i-- > 0;)
		qbd_ext_balance(pool, path->link[i]);
}

static void qbd_extmap_insert(struct qbd_ext_pool *pool, struct qbd_extmap *map,
			      u32 start, u32 blocks, u64 val)
{
	struct qbd_ext_path path = { .nr = 0 };
	u32 *link = &map->root;

	while (*link != QBD_EXT_NONE) {
		struct qbd_ext *ext = &pool->node[*link];

		path.link[path.nr++] = link;
		link = start < ext->start ? &ext->left : &ext->right;
	}
	*link = qbd_ext_alloc(pool, start, blocks, val);
	qbd_ext_balance_path(pool, &path);
	map->nr++;
}

/* The extent that begins at @start, which exists, leaves the map. */
static void qbd_extmap_erase(struct qbd_ext_pool *pool, struct qbd_extmap *map,
			     u32 start)
{
	struct qbd_ext_path path = { .nr = 0 };
	struct qbd_ext *found, *ext;
	u32 *link = &map->root;
	u32 n;

	while (pool->node[*link].start != start) {
		path.link[path.nr++] = link;
		ext = &pool->node[*link];
		link = start < ext->start ? &ext->left : &ext->right;
	}
	found = &pool->node[*link];
	if (found->left != QBD_EXT_NONE && found->right != QBD_EXT_NONE) {
		/* The next extent moves here; its node is the one to go. */
		path.link[path.nr++] = link;
		link = &found->right;
		while (pool->node[*link].left != QBD_EXT_NONE) {
			path.link[path.nr++] = link;
			link = &pool->node[*link].left;
		}
		ext = &pool->node[*link];
		found->start = ext->start;
		found->blocks = ext->blocks;
		found->val = ext->val;
	}
	n = *link;
	ext = &pool->node[n];
	*link = ext->left == QBD_EXT_NONE ? ext->right : ext->left;
	ext->left = QBD_EXT_NONE;
	ext->right = QBD_EXT_NONE;
	qbd_ext_push(pool, n);
	pool->nr_free++;
	map->nr--;
	qbd_ext_balance_path(pool, &path);
}

static struct qbd_ext *qbd_extmap_find(const struct qbd_ext_pool *pool,
				       const struct qbd_extmap *map, u32 block)
{
	struct qbd_ext *best = NULL;
	u32 n = map->root;

	while (n != QBD_EXT_NONE) {
		struct qbd_ext *ext = &pool->node[n];

		if (qbd_ext_end(ext) > block) {
			best = ext;
			n = ext->left;
		} else {
			n = ext->right;
		}
	}
	return best;
}

/**
 * qbd_extmap_next() - the extent at or after a block
 * @pool: nodes of the map
 * @map: the map
 * @block: the block
 *
 * Return: the first extent that ends after @block, NULL if there is none.
 */
const struct qbd_ext *qbd_extmap_next(const struct qbd_ext_pool *pool,
				      const struct qbd_extmap *map, u32 block)
{
	return qbd_extmap_find(pool, map, block);
}

/**
 * qbd_extmap_set() - map a range
 * @pool: nodes of the map
 * @map: the map
 * @start: first block
 * @blocks: length, not 0; the range ends below 2^32
 * @val: what it maps to from now on
 *
 * Return: 0; -ENOMEM if there may not be enough nodes, nothing was changed.
 */
int qbd_extmap_set(struct qbd_ext_pool *pool, struct qbd_extmap *map, u32 start,
		   u32 blocks, u64 val)
{
	u32 end = start + blocks;
	struct qbd_ext *ext;

	if (pool->nr_free < 2)
		return -ENOMEM;
	while ((ext = qbd_extmap_find(pool, map, start))) {
		u32 ext_end = qbd_ext_end(ext);

		if (ext->start >= end)
			break;
		if (ext->start < start) {
			ext->blocks = start - ext->start;
			if (ext_end > end)
				qbd_extmap_insert(pool, map, end, ext_end - end,
						  ext->val);
		} else if (ext_end > end) {
			/* It stays between the same neighbours. */
			ext->start = end;
			ext->blocks = ext_end - end;
		} else {
			qbd_extmap_erase(pool, map, ext->start);
		}
	}
	qbd_extmap_insert(pool, map, start, blocks, val);
	return 0;
}

/**
 * qbd_extmap_clear_val() - take a value out of the map
 * @pool: nodes of the map
 * @map: the map
 * @start: first block of the range that was set to @val
 * @blocks: its length
 * @val: the value; all extents that have it lie in the range
 */
void qbd_extmap_clear_val(struct qbd_ext_pool *pool, struct qbd_extmap *map,
			  u32 start, u32 blocks, u64 val)
{
	u32 end = start + blocks;
	struct qbd_ext *ext;

	while (start < end && (ext = qbd_extmap_find(pool, map, start))) {
		if (ext->start >= end)
			break;
		start = qbd_ext_end(ext);
		if (ext->val == val)
			qbd_extmap_erase(pool, map, ext->start);
	}
}
