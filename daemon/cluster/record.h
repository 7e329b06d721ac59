/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a node knows of its cluster before it hears of anybody: a file.
 *
 *	qbd-record 1
 *	cluster 0123...ef		uuid
 *	lineage N
 *	node N				its own id
 *	server N STATE			of its Raft server; 0 none
 *	peer N KEY ADDR[,ADDR...]	where to begin; none for the first node
 *	end CRC				of all bytes before it
 *
 * It is what a daemon must not lose: without it a node is not in the cluster.
 * So it is replaced in one step (a new file, its bytes and its name on stable
 * media), and read to the last character: a line too many, one that is missing,
 * a number that is too large is refused, with the line.
 *
 * PEERS change with the group, and that is no time to wait for a disk, for the
 * loop has heartbeats to send.  So the newest list is in a second file of this
 * form, "peers", which is not synced.  If it is of this record it counts; if
 * a crash left it bad, the list in the record is a good place to begin.
 *
 * SERVER AND STATE.  The id of a Raft server names a log and ends with it
 * (raft.h, rule 9).  "pending" says that the log has not been made: whatever is
 * in the directory is another one's.  "ready" says that it was, and if it is
 * gone, or damaged, the id is at its end.  (Without: the directory is lost, the
 * daemon makes an empty one under the old id, and votes against what it had
 * acknowledged.)  The id is recorded as pending before the directory is made,
 * as ready behind it, and nobody hears of the server before.
 *
 * THE LOG is in the directory "raft" beside the record; after a restore
 * (state_restore.c) it is in "raft.LINEAGE", and "raft" is what was there
 * before.  So the record alone says which of them counts, and is replaced last.
 */
#ifndef QBD_CLUSTER_RECORD_H
#define QBD_CLUSTER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../links_conf.h"

#define RECORD_PEERS_MAX 16 /* as many as a group has members */
#define RECORD_ADDRS_MAX 4
#define RECORD_BYTES_MAX 16384
#define RECORD_WHY_MAX 160

/**
 * struct record_peer - somebody of the cluster
 * @node: its id
 * @key: its public key
 * @nr: used of @addr
 * @addr: where its control plane listens
 */
struct record_peer {
	uint32_t node;
	uint8_t key[32];
	unsigned int nr;
	union links_addr addr[RECORD_ADDRS_MAX];
};

/**
 * struct record - a node in a cluster
 * @cluster: uuid
 * @lineage: of the cluster
 * @node: its id
 * @server: id of its Raft server, 0 = none
 * @ready: its log was made
 * @nr_peers: used of @peer
 * @peer: whom to connect to first
 */
struct record {
	uint8_t cluster[16];
	uint64_t lineage;
	uint32_t node;
	uint64_t server;
	bool ready;
	unsigned int nr_peers;
	struct record_peer peer[RECORD_PEERS_MAX];
};

int record_parse(struct record *record, const char *text, size_t bytes,
		 char why[RECORD_WHY_MAX]);
int record_print(const struct record *record, char *text, size_t room);
int record_load(struct record *record, const char *path,
		char why[RECORD_WHY_MAX]);
int record_raft_path(const struct record *record, const char *dir, char *path,
		     size_t room);
int record_save(const struct record *record, const char *path, bool sync,
		char why[RECORD_WHY_MAX]);

#endif /* QBD_CLUSTER_RECORD_H */
