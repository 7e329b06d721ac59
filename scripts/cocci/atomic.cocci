// SPDX-License-Identifier: GPL-2.0-only
// Sleeps, allocates with GFP_KERNEL or submits I/O between spin_lock() and
// spin_unlock(). No lock of qbd is held over I/O: core decides under the
// lock, the pump acts without it.
//
// Files: kmod/*.c kmod/core/*.c tests/testdisk/*.c

@@
identifier lock =~ "^(spin_lock|spin_lock_irq|spin_lock_bh|qbd_[a-z_]+_lock)$";
identifier unlock =~ "^(spin_unlock|spin_unlock_irq|spin_unlock_bh|qbd_[a-z_]+_unlock)$";
identifier bad =~ "^(mutex_lock|mutex_lock_interruptible|down_read|down_write|wait_for_completion.*|submit_bio|submit_bio_wait|submit_bio_noacct|blkdev_issue_flush|kernel_sendmsg|sock_sendmsg|flush_work|flush_workqueue|cancel_work_sync|synchronize_rcu|schedule|kthread_stop|cond_resched)$";
expression l;
@@
  lock(l);
  ... when != unlock(l)
* bad(...)

@@
identifier lock =~ "^(spin_lock|spin_lock_irq|spin_lock_bh)$";
identifier unlock =~ "^(spin_unlock|spin_unlock_irq|spin_unlock_bh)$";
identifier alloc;
expression l;
@@
  lock(l);
  ... when != unlock(l)
* alloc(..., GFP_KERNEL, ...)
