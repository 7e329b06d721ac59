// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why the kernel refused a request: see knl_ext.h.
 *
 * libnl of Debian 12 drops all that an extended acknowledgement says.
 */
#include "knl_ext.h"

#include <stdint.h>
#include <string.h>
#include <linux/genetlink.h>
#include <linux/qbd.h>

/* Attributes of requests, by the word that stands for each in qbdctl. */
static const char *const knl_ext_node[QBD_A_NODE_MAX + 1] = {
	[QBD_A_NODE_ID] = "id",
	[QBD_A_NODE_NAME] = "name",
	[QBD_A_NODE_CLUSTER] = "cluster",
	[QBD_A_NODE_LEASE_MS] = "lease-ms",
};

static const char *const knl_ext_store[QBD_A_STORE_MAX + 1] = {
	[QBD_A_STORE_PATH] = "path",
	[QBD_A_STORE_UUID] = "uuid",
	[QBD_A_STORE_OPENS_MIN] = "opens-min",
};

static const char *const knl_ext_replica[QBD_A_REPLICA_MAX + 1] = {
	[QBD_A_REPLICA_ID] = "id",
	[QBD_A_REPLICA_VOLUME] = "volume",
	[QBD_A_REPLICA_SHARD] = "shard",
	[QBD_A_REPLICA_STORE] = "store",
	[QBD_A_REPLICA_SIZE_BYTES] = "size",
	[QBD_A_REPLICA_EPOCH] = "epoch",
	[QBD_A_REPLICA_MEMBER] = "members",
	[QBD_A_REPLICA_FLOOR_TERM] = "term",
};

static const char *const knl_ext_volume[QBD_A_VOLUME_MAX + 1] = {
	[QBD_A_VOLUME_ID] = "id",
	[QBD_A_VOLUME_NAME] = "name",
	[QBD_A_VOLUME_SIZE_BYTES] = "size",
	[QBD_A_VOLUME_SHARD_BYTES] = "shard-size",
	[QBD_A_VOLUME_TERM] = "term",
	[QBD_A_VOLUME_ON_NO_QUORUM] = "on-no-quorum",
	[QBD_A_VOLUME_NO_QUORUM_MS] = "no-quorum-ms",
	[QBD_A_VOLUME_READ_POLICY] = "reads",
	[QBD_A_VOLUME_SHARD] = "shard",
	[QBD_A_VOLUME_FORCE] = "force",
};

static const char *const knl_ext_shard[QBD_A_SHARD_MAX + 1] = {
	[QBD_A_SHARD_VOLUME] = "volume",
	[QBD_A_SHARD_NUMBER] = "shard",
	[QBD_A_SHARD_TERM] = "term",
	[QBD_A_SHARD_REPAIR] = "repair",
};

/* shard config has attributes of volumes */
static const char *const knl_ext_config[QBD_A_VOLUME_MAX + 1] = {
	[QBD_A_VOLUME_ID] = "volume",
	[QBD_A_VOLUME_TERM] = "term",
	[QBD_A_VOLUME_SHARD] = "set",
};

static const char *const knl_ext_peer[QBD_A_PEER_MAX + 1] = {
	[QBD_A_PEER_ID] = "id",
	[QBD_A_PEER_LINKS] = "links",
};

static const char *const knl_ext_link[QBD_A_LINK_MAX + 1] = {
	[QBD_A_LINK_PEER] = "peer",
	[QBD_A_LINK_LINK] = "link",
	[QBD_A_LINK_FD] = "fd",
	[QBD_A_LINK_ACCEPT] = "accept",
};

/**
 * struct knl_ext_set - the attributes of some verbs
 * @first: lowest command
 * @last: highest command
 * @max: highest attribute
 * @words: by attribute
 */
struct knl_ext_set {
	uint8_t first;
	uint8_t last;
	unsigned int max;
	const char *const *words;
};

static const struct knl_ext_set knl_ext_sets[] = {
	{ QBD_CMD_NODE_GET, QBD_CMD_NODE_CRASH, QBD_A_NODE_MAX, knl_ext_node },
	{ QBD_CMD_STORE_GET, QBD_CMD_STORE_REMOVE, QBD_A_STORE_MAX,
	  knl_ext_store },
	{ QBD_CMD_REPLICA_GET, QBD_CMD_REPLICA_FLOOR, QBD_A_REPLICA_MAX,
	  knl_ext_replica },
	{ QBD_CMD_VOLUME_GET, QBD_CMD_VOLUME_SET, QBD_A_VOLUME_MAX,
	  knl_ext_volume },
	{ QBD_CMD_SHARD_GET, QBD_CMD_SHARD_GET, QBD_A_SHARD_MAX,
	  knl_ext_shard },
	{ QBD_CMD_PEER_GET, QBD_CMD_PEER_REMOVE, QBD_A_PEER_MAX, knl_ext_peer },
	{ QBD_CMD_LINK_GET, QBD_CMD_LINK_REMOVE, QBD_A_LINK_MAX, knl_ext_link },
	{ QBD_CMD_SHARD_CONFIG, QBD_CMD_SHARD_CONFIG, QBD_A_VOLUME_MAX,
	  knl_ext_config },
	{ QBD_CMD_SHARD_VERIFY, QBD_CMD_SHARD_VERIFY, QBD_A_SHARD_MAX,
	  knl_ext_shard },
	{ QBD_CMD_VOLUME_GROW, QBD_CMD_VOLUME_GROW, QBD_A_VOLUME_MAX,
	  knl_ext_volume },
};

static const char *knl_ext_word(uint8_t cmd, unsigned int attr)
{
	const struct knl_ext_set *set = knl_ext_sets;
	const struct knl_ext_set *end =
		set + sizeof(knl_ext_sets) / sizeof(knl_ext_sets[0]);

	for (; set < end; set++)
		if (cmd >= set->first && cmd <= set->last)
			return attr <= set->max ? set->words[attr] : NULL;
	return NULL;
}

/* The attribute at the start of @len bytes; NULL: it does not fit. */
static const struct nlattr *knl_ext_attr(const char *at, size_t len)
{
	const struct nlattr *attr = (const struct nlattr *)at;

	if (len < NLA_HDRLEN || attr->nla_len < NLA_HDRLEN ||
	    attr->nla_len > len)
		return NULL;
	return attr;
}

/* Step to the next attribute of @len bytes. */
static void knl_ext_next(const char **at, size_t *len)
{
	size_t step = NLA_ALIGN(((const struct nlattr *)*at)->nla_len);

	if (step > *len)
		step = *len;
	*at += step;
	*len -= step;
}

/*
 * Which attribute of the request @req, of which @len bytes are there, has the
 * byte at @offset in it? What is wrong may stand in a nest: the outer one has
 * a name.
 */
static const char *knl_ext_at(const char *req, size_t len, size_t offset)
{
	const size_t skip = NLMSG_HDRLEN + GENL_HDRLEN;
	const struct genlmsghdr *genl;
	const struct nlattr *attr;
	const char *at = req + skip;

	if (len < skip || offset < skip || offset >= len)
		return NULL;
	genl = (const struct genlmsghdr *)(req + NLMSG_HDRLEN);
	len -= skip;
	while ((attr = knl_ext_attr(at, len))) {
		if (offset < (size_t)(at - req) + attr->nla_len)
			return knl_ext_word(genl->cmd,
					    attr->nla_type & NLA_TYPE_MASK);
		knl_ext_next(&at, &len);
	}
	return NULL;
}

static void knl_ext_tlvs(const char *at, size_t len, struct knl_ext *ext,
			 uint32_t *offset)
{
	const struct nlattr *attr;

	while ((attr = knl_ext_attr(at, len))) {
		const char *data = at + NLA_HDRLEN;
		size_t size = attr->nla_len - NLA_HDRLEN;

		if (attr->nla_type == NLMSGERR_ATTR_MSG &&
		    memchr(data, 0, size))
			ext->text = data;
		if (attr->nla_type == NLMSGERR_ATTR_OFFS &&
		    size == sizeof(*offset))
			memcpy(offset, data, sizeof(*offset));
		knl_ext_next(&at, &len);
	}
}

/**
 * knl_ext_take() - take an error message apart
 * @hdr: the message, NLMSG_ERROR
 * @len: bytes of it that are there
 * @ext: what it says
 */
void knl_ext_take(const struct nlmsghdr *hdr, size_t len, struct knl_ext *ext)
{
	const size_t head = NLMSG_HDRLEN + sizeof(struct nlmsgerr);
	const char *msg = (const char *)hdr;
	const struct nlmsgerr *err = (const void *)(msg + NLMSG_HDRLEN);
	const char *req = (const char *)&err->msg;
	uint32_t offset = 0;
	size_t skip = head;

	*ext = (struct knl_ext){ .text = NULL };
	if (len > hdr->nlmsg_len)
		len = hdr->nlmsg_len;
	if (len < head || !(hdr->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED)) {
		if (err->msg.nlmsg_len < sizeof(err->msg) ||
		    err->msg.nlmsg_len > len)
			return;
		skip += NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	}
	if (skip > len)
		return;
	knl_ext_tlvs(msg + skip, len - skip, ext, &offset);
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		ext->word = knl_ext_at(req, err->msg.nlmsg_len, offset);
}
