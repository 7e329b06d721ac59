// SPDX-License-Identifier: GPL-2.0-only
// The result of an I/O, of a flush or of a message is thrown away. A failed
// flush that nobody looks at is a lost write that was acknowledged. Our own
// functions say __must_check.
//
// Files: kmod/*.c kmod/core/*.c

@@
identifier func =~ "^(submit_bio_wait|blkdev_issue_flush|blkdev_issue_zeroout|blkdev_issue_discard|kernel_sendmsg|sock_sendmsg|device_add_disk|add_disk|bio_add_page|nla_put.*|genlmsg_put)$";
@@
(
* func(...);
|
* (void)func(...);
)
