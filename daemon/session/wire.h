/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What daemons say to each other inside of TLS: frames, and HELLO.
 *
 * FRAME.  Numbers are little-endian.
 *
 *	0  u32  bytes of the payload behind the head
 *	4  u16  type of the message
 *	6  u8   class
 *	7  u8   flags: MORE = the message goes on in the next frame of its class
 *
 * One TLS record holds whole frames and nothing else, so a frame is at most one
 * record (16 KiB): no half frame is ever kept, and what is urgent never waits
 * for more than one record.  A message of up to 1 MiB is a row of frames, and
 * frames of other classes may be between them.  No checksum: TLS has a better
 * one.
 *
 * HELLO is the first frame in each direction.  By then TLS has shown that the
 * other side has the key that it names; HELLO says who it believes to be, whom
 * it believes to speak to, and in which cluster.  (Without: a node restored
 * from a backup, or moved to another cluster with its disk, has a good key and
 * a wrong idea of everything else.)
 *
 *	0  u32  magic "qSh1"
 *	4  u16  version: the newest that the sender speaks
 *	6  u16  least: the oldest
 *	8  u32  from: node id of the sender
 *	12 u32  to: node id that the receiver must have
 *	16 u64  lineage of the cluster
 *	24 16   cluster
 *	40 u64  boot nonce of the sender: random, one for each life of a daemon
 *	48 u64  number of the session, from the side that dialed
 *
 * VERSIONS.  A daemon speaks all from SESSION_LEAST to SESSION_VERSION, and two
 * speak the newest that both know.  The feature level of the replicated state
 * (state/command.h) counts with them: who speaks version N knows all commands
 * of level N.  So who leads sees from the sessions what all nodes can, and
 * raises the level when all can more; from then on who speaks less is refused
 * (session_net_least()), as it could not read the log.
 *
 *	1	the first
 *	2	level 2: NODE_LOST, and stores that are LOST
 */
#ifndef QBD_SESSION_WIRE_H
#define QBD_SESSION_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef SESSION_VERSION /* tests build older ones, too */
#define SESSION_VERSION 2
#endif
#define SESSION_LEAST 1
#define SESSION_FRAME_HEAD 8
#define SESSION_FRAME_MAX 16384 /* plaintext of a TLS record */
#define SESSION_FRAME_PAYLOAD (SESSION_FRAME_MAX - SESSION_FRAME_HEAD)
#define SESSION_MSG_MAX (1024 * 1024)
#define SESSION_CONTROL_MAX 256 /* no message of that class is longer */
#define SESSION_HELLO_BYTES 56

#define SESSION_FLAG_MORE 0x01U
#define SESSION_FLAGS_ALL SESSION_FLAG_MORE

/**
 * enum session_class - how urgent a message is, the most urgent first
 * @SESSION_CONTROL: the sessions' own, see enum session_control
 * @SESSION_URGENT: what keeps a leader: Raft's messages, but for snapshots
 * @SESSION_NORMAL: requests, answers, small changes of the map
 * @SESSION_BULK: pieces of snapshots and maps
 * @SESSION_JOIN: what a joiner asks, and the answer: the only class but
 *	CONTROL of a session made with a token, and of no other
 */
enum session_class {
	SESSION_CONTROL,
	SESSION_URGENT,
	SESSION_NORMAL,
	SESSION_BULK,
	SESSION_JOIN,
};

#define SESSION_CLASSES 5

/**
 * enum session_control - types of CONTROL
 * @SESSION_HELLO: the first frame
 * @SESSION_BEAT: I am here; empty
 * @SESSION_REFUSE: I do not want you: u32 enum session_why; then it closes
 * @SESSION_BYE: I close; empty
 */
enum session_control {
	SESSION_HELLO = 1,
	SESSION_BEAT,
	SESSION_REFUSE,
	SESSION_BYE,
};

/**
 * enum session_why - why a session is refused, or ended
 * @SESSION_WHY_NONE: it is not
 * @SESSION_WHY_VERSION: no common version
 * @SESSION_WHY_CLUSTER: of another cluster
 * @SESSION_WHY_LINEAGE: of another lineage of the cluster
 * @SESSION_WHY_TO: wants another node
 * @SESSION_WHY_FROM: says to be a node whose key it does not have
 * @SESSION_WHY_PEER: not, or not yet, a peer of this node
 * @SESSION_WHY_DIRECTION: has the higher node id, and must not dial
 * @SESSION_WHY_STALE: there is a newer session
 * @SESSION_WHY_PROTOCOL: breaks the protocol
 * @SESSION_WHY_CLOSED: the other side closed it
 * @SESSION_WHY_SILENT: nothing came for too long
 * @SESSION_WHY_NETWORK: the connection failed
 * @SESSION_WHY_TLS: the handshake failed, or bytes were not the other side's
 * @SESSION_WHY_KEY: its key is not, or no longer, one of the cluster
 * @SESSION_WHY_TOKEN: the token is not, or no longer, good
 * @SESSION_WHY_SLOW: did not get done in time
 * @SESSION_WHY_CROWD: too many at a time
 * @SESSION_WHY_REPLACED: a newer session took its place
 * @SESSION_WHY_REMOVED: the peer was removed
 * @SESSION_WHY_MEMORY: no memory, or no files
 */
enum session_why {
	SESSION_WHY_NONE,
	SESSION_WHY_VERSION,
	SESSION_WHY_CLUSTER,
	SESSION_WHY_LINEAGE,
	SESSION_WHY_TO,
	SESSION_WHY_FROM,
	SESSION_WHY_PEER,
	SESSION_WHY_DIRECTION,
	SESSION_WHY_STALE,
	SESSION_WHY_PROTOCOL,
	SESSION_WHY_CLOSED,
	SESSION_WHY_SILENT,
	SESSION_WHY_NETWORK,
	SESSION_WHY_TLS,
	SESSION_WHY_KEY,
	SESSION_WHY_TOKEN,
	SESSION_WHY_SLOW,
	SESSION_WHY_CROWD,
	SESSION_WHY_REPLACED,
	SESSION_WHY_REMOVED,
	SESSION_WHY_MEMORY,
};

#define SESSION_WHYS (SESSION_WHY_MEMORY + 1)

/**
 * struct session_frame - a frame
 * @bytes: of the payload
 * @type: of the message
 * @class: enum session_class
 * @flags: SESSION_FLAG_*
 * @payload: where it is in the record
 */
struct session_frame {
	uint32_t bytes;
	uint16_t type;
	uint8_t class;
	uint8_t flags;
	const uint8_t *payload;
};

/**
 * struct session_hello - who speaks to whom
 * @version: the newest that the sender speaks
 * @least: the oldest
 * @from: the sender
 * @to: the receiver
 * @lineage: of the cluster
 * @cluster: uuid
 * @nonce: of the sender's life
 * @number: of the session
 */
struct session_hello {
	uint16_t version;
	uint16_t least;
	uint32_t from;
	uint32_t to;
	uint64_t lineage;
	uint8_t cluster[16];
	uint64_t nonce;
	uint64_t number;
};

/**
 * struct session_mark - what decides between two sessions of one pair of nodes
 * @nonce: the dialer's
 * @number: the dialer's
 * @accepted: in which order this side accepted their connections
 */
struct session_mark {
	uint64_t nonce;
	uint64_t number;
	uint64_t accepted;
};

void session_frame_head(uint8_t *to, const struct session_frame *frame);
int session_frame_get(const uint8_t *at, size_t left,
		      struct session_frame *frame);
void session_hello_put(uint8_t to[SESSION_HELLO_BYTES],
		       const struct session_hello *hello);
int session_hello_get(const uint8_t *at, size_t bytes,
		      struct session_hello *hello);
enum session_why session_hello_check(const struct session_hello *hello,
				     const struct session_hello *mine);
bool session_settle(const struct session_mark *old,
		    const struct session_mark *fresh);
const char *session_why_text(enum session_why why);

#endif /* QBD_SESSION_WIRE_H */
