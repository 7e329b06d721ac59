// SPDX-License-Identifier: GPL-2.0-only
// An allocation in the write path that may wait for writeback: writeback may
// be what waits for this write. Use GFP_NOIO, GFP_NOWAIT or GFP_ATOMIC, and a
// mempool or a reserve behind it. Functions that set something up, by their
// name, are left out: nothing is written yet.
//
// Files: kmod/blk*.c kmod/req*.c kmod/wal*.c kmod/store_io*.c kmod/apply*.c
// Files: kmod/ckpt*.c kmod/shard*.c kmod/conn*.c kmod/tcp*.c kmod/page*.c
// Files: kmod/loop*.c kmod/pump*.c kmod/read*.c kmod/catchup*.c

@@
identifier func !~ "(init|fill|create|alloc|open|start|new|setup|add|use|attach|info)";
identifier alloc =~ "^(k[mzc]alloc|kcalloc|kmalloc_array|kv[mzc]alloc|kmem_cache_z?alloc|mempool_alloc|alloc_pages?|__get_free_pages?|bio_alloc|bio_alloc_bioset|bio_init_clone|kmemdup|kstrdup|xa_store|xa_insert|page_frag_alloc)";
@@
func(...)
{
<...
* alloc(..., GFP_KERNEL, ...)
...>
}
