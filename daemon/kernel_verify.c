// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel shard verify, verify-stop, verify-list: have the copies of
 * shards that are led here compared, and put right, shard by shard, and show
 * what came of it.
 *
 * The kernel does all of it by itself: who is interrupted here can look later.
 */
#include "kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/**
 * struct kernel_verified - what a comparison has found, in bytes
 * @running: it has not ended
 * @error: negative errno that ended it before its end
 * @size: of the shard
 * @looked: from its beginning
 * @compared: were compared
 * @missing: of these, a copy could not be asked
 * @written: were written to meanwhile, and need not be compared
 * @skipped: could not be compared
 * @differ: are not the same on all copies
 * @repaired: of these, were put right
 * @undecided: of these, nobody knows what is right
 */
struct kernel_verified {
	bool running;
	int error;
	uint64_t size;
	uint64_t looked;
	uint64_t compared;
	uint64_t missing;
	uint64_t written;
	uint64_t skipped;
	uint64_t differ;
	uint64_t repaired;
	uint64_t undecided;
};

/**
 * struct kernel_verify - shards being compared
 * @ctx: the verb
 * @volume: their volume
 * @term: that it is attached under
 * @shard: the one that is looked for
 * @from: when looking for one: the first that will do
 * @found: there is one: @shard
 * @led: it is led here under @term
 * @known: it was compared: @done is what was found
 * @done: see there
 * @shown: progress stands on the terminal
 */
struct kernel_verify {
	struct kernel_ctx *ctx;
	uint32_t volume;
	uint64_t term;
	uint32_t shard;
	uint32_t from;
	bool found;
	bool led;
	bool known;
	struct kernel_verified done;
	bool shown;
};

static int kernel_verified_take(struct nlattr *nest,
				struct kernel_verified *done)
{
	struct nlattr *attrs[QBD_A_SHARD_VERIFY_MAX + 1] = { NULL };

	if (nla_parse_nested(attrs, QBD_A_SHARD_VERIFY_MAX, nest, NULL))
		return -EBADMSG;
	*done = (struct kernel_verified){
		.running = attrs[QBD_A_SHARD_VERIFY_RUNNING],
		.error = (int)knl_u32(attrs, QBD_A_SHARD_VERIFY_ERROR),
		.size = knl_u64(attrs, QBD_A_SHARD_VERIFY_SIZE_BYTES),
		.looked = knl_u64(attrs, QBD_A_SHARD_VERIFY_LOOKED_BYTES),
		.compared = knl_u64(attrs, QBD_A_SHARD_VERIFY_COMPARED_BYTES),
		.missing = knl_u64(attrs, QBD_A_SHARD_VERIFY_MISSING_BYTES),
		.written = knl_u64(attrs, QBD_A_SHARD_VERIFY_WRITTEN_BYTES),
		.skipped = knl_u64(attrs, QBD_A_SHARD_VERIFY_SKIPPED_BYTES),
		.differ = knl_u64(attrs, QBD_A_SHARD_VERIFY_DIFFER_BYTES),
		.repaired = knl_u64(attrs, QBD_A_SHARD_VERIFY_REPAIRED_BYTES),
		.undecided = knl_u64(attrs, QBD_A_SHARD_VERIFY_UNDECIDED_BYTES),
	};
	return 0;
}

/* --- listing ------------------------------------------------------------ */

static const struct out_col kernel_verify_cols[] = {
	{ "volume", "VOLUME", true },
	{ "shard", "SHARD", true },
	{ "state", "STATE", false },
	{ "size_bytes", "SIZE", true },
	{ "looked_bytes", "LOOKED", true },
	{ "compared_bytes", "COMPARED", true },
	{ "missing_bytes", "MISSING", true },
	{ "written_bytes", "WRITTEN", true },
	{ "skipped_bytes", "SKIPPED", true },
	{ "differ_bytes", "DIFFER", true },
	{ "repaired_bytes", "REPAIRED", true },
	{ "undecided_bytes", "UNDECIDED", true },
	{ "error", NULL, true },
};

#define KERNEL_VERIFY_COLS \
	(sizeof(kernel_verify_cols) / sizeof(kernel_verify_cols[0]))

static void kernel_verify_cells(struct out *out, uint32_t volume,
				uint32_t shard,
				const struct kernel_verified *done)
{
	out_u64(out, volume);
	out_u64(out, shard);
	out_str(out, done->running ? "running" :
		     done->error   ? "ended" :
				     "done");
	out_bytes(out, done->size);
	out_bytes(out, done->looked);
	out_bytes(out, done->compared);
	out_bytes(out, done->missing);
	out_bytes(out, done->written);
	out_bytes(out, done->skipped);
	out_bytes(out, done->differ);
	out_bytes(out, done->repaired);
	out_bytes(out, done->undecided);
	out_s64(out, done->error);
}

static int kernel_verify_row(struct nlattr **attrs, void *arg)
{
	struct kernel_verified done;
	int err;

	if (!attrs[QBD_A_SHARD_VERIFY])
		return 0;
	err = kernel_verified_take(attrs[QBD_A_SHARD_VERIFY], &done);
	if (!err)
		kernel_verify_cells(arg, knl_u32(attrs, QBD_A_SHARD_VOLUME),
				    knl_u32(attrs, QBD_A_SHARD_NUMBER), &done);
	return err;
}

int kernel_shard_verify_list(struct kernel_ctx *ctx, int argc, char **argv)
{
	struct out out;
	const struct knl_dump dump = { .cmd = QBD_CMD_SHARD_GET,
				       .attr_max = QBD_A_SHARD_MAX,
				       .object = kernel_verify_row,
				       .arg = &out };
	int code = kernel_begin_bare(ctx, argc, argv);
	int err;

	if (code)
		return code;
	kernel_list(ctx, &out, kernel_verify_cols, KERNEL_VERIFY_COLS);
	err = knl_dump(&ctx->knl, &dump);
	out_end(&out);
	return kernel_end(ctx, err);
}

/* --- requests ----------------------------------------------------------- */

/* Ask for @flag, which may be 0, of a shard. */
static int kernel_verify_send(const struct kernel_verify *verify, int flag)
{
	struct knl *knl = &verify->ctx->knl;
	struct nl_msg *msg = knl_request(knl, QBD_CMD_SHARD_VERIFY);

	if (!msg || nla_put_u32(msg, QBD_A_SHARD_VOLUME, verify->volume) ||
	    nla_put_u32(msg, QBD_A_SHARD_NUMBER, verify->shard) ||
	    nla_put_u64(msg, QBD_A_SHARD_TERM, verify->term) ||
	    (flag && nla_put_flag(msg, flag))) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return knl_send(knl, msg);
}

/* All shards of the volume that are led here. */
static int kernel_verify_dump(struct kernel_verify *verify,
			      knl_object_fn object)
{
	struct knl *knl = &verify->ctx->knl;
	struct knl_dump dump = { .cmd = QBD_CMD_SHARD_GET,
				 .attr_max = QBD_A_SHARD_MAX,
				 .object = object,
				 .arg = verify };

	dump.filter = knl_request(knl, QBD_CMD_SHARD_GET);
	if (!dump.filter ||
	    nla_put_u32(dump.filter, QBD_A_SHARD_VOLUME, verify->volume)) {
		nlmsg_free(dump.filter);
		return -ENOMEM;
	}
	return knl_dump(knl, &dump);
}

/* The next shard of the volume from @from on that is led here. */
static int kernel_verify_next(struct nlattr **attrs, void *arg)
{
	struct kernel_verify *verify = arg;
	uint32_t shard = knl_u32(attrs, QBD_A_SHARD_NUMBER);

	if (knl_u32(attrs, QBD_A_SHARD_VOLUME) != verify->volume ||
	    shard < verify->from || (verify->found && shard > verify->shard))
		return 0;
	verify->found = true;
	verify->shard = shard;
	return 0;
}

static int kernel_verify_find(struct kernel_verify *verify)
{
	verify->found = false;
	return kernel_verify_dump(verify, kernel_verify_next);
}

static int kernel_verify_match(struct nlattr **attrs, void *arg)
{
	struct kernel_verify *verify = arg;

	if (knl_u32(attrs, QBD_A_SHARD_VOLUME) != verify->volume ||
	    knl_u32(attrs, QBD_A_SHARD_NUMBER) != verify->shard ||
	    knl_u64(attrs, QBD_A_SHARD_TERM) != verify->term)
		return 0;
	verify->led = true;
	if (!attrs[QBD_A_SHARD_VERIFY])
		return 0;
	verify->known = true;
	return kernel_verified_take(attrs[QBD_A_SHARD_VERIFY], &verify->done);
}

static void kernel_verify_show(struct kernel_verify *verify)
{
	const struct kernel_verified *done = &verify->done;
	char looked[16], size[16];

	if (verify->ctx->json || !isatty(STDERR_FILENO))
		return;
	out_size_format(looked, sizeof(looked), done->looked);
	out_size_format(size, sizeof(size), done->size);
	fprintf(stderr,
		"\rshard %" PRIu32 ": %s of %s, %" PRIu64 " blocks differ   ",
		verify->shard, looked, size, done->differ / 4096);
	verify->shown = true;
}

static int kernel_verify_done(struct knl *knl, void *arg)
{
	struct kernel_verify *verify = arg;
	int err;

	verify->led = false;
	verify->known = false;
	err = kernel_verify_dump(verify, kernel_verify_match);
	if (err)
		return err;
	if (!verify->led || !verify->known) {
		snprintf(knl->error, sizeof(knl->error),
			 "shard %" PRIu32
			 " is not led here under that term any more",
			 verify->shard);
		return -ESHUTDOWN;
	}
	kernel_verify_show(verify);
	return !verify->done.running;
}

/* A block of a copy: where it is, and what became of it. */
static int kernel_verify_event(struct nlattr **attrs, void *arg)
{
	static const char *const verdicts[] = {
		[QBD_VERIFY_RESULT_REPORTED] = "differs",
		[QBD_VERIFY_RESULT_REPAIRED] = "is put right",
		[QBD_VERIFY_RESULT_UNDECIDED] =
			"differs, and nobody can say what is right",
	};
	struct kernel_verify *verify = arg;
	uint32_t verdict = knl_u32(attrs, QBD_A_EVENT_STATE);

	if (knl_u32(attrs, QBD_A_EVENT_KIND) != QBD_EVENT_KIND_COPY_DIFFERS ||
	    knl_u32(attrs, QBD_A_EVENT_VOLUME) != verify->volume ||
	    verdict > QBD_VERIFY_RESULT_UNDECIDED)
		return 0;
	if (verify->shown)
		fputc('\n', stderr);
	verify->shown = false;
	fprintf(stderr,
		"qbdctl: replica %" PRIu64 ": the block at byte %" PRIu64
		" of the volume %s%s\n",
		knl_u64(attrs, QBD_A_EVENT_REPLICA),
		knl_u64(attrs, QBD_A_EVENT_OFFSET),
		attrs[QBD_A_EVENT_ERROR] ? "can not be read there, and " : "",
		verdicts[verdict]);
	return 0;
}

/* Until it has ended, or has got nowhere for the time that was given. */
static int kernel_verify_wait(struct kernel_verify *verify)
{
	struct kernel_ctx *ctx = verify->ctx;
	uint64_t before = UINT64_MAX;
	int err;

	ctx->knl.event = kernel_verify_event;
	ctx->knl.event_arg = verify;
	do {
		before = verify->done.looked;
		err = knl_wait(&ctx->knl, ctx->timeout_ms, kernel_verify_done,
			       verify);
	} while (err == -ETIMEDOUT && verify->done.looked != before);
	/* those that came while it was looked at last */
	if (!err)
		err = knl_events_drain(&ctx->knl, kernel_verify_event, verify);
	if (verify->shown)
		fputc('\n', stderr);
	verify->shown = false;
	if (err == -ETIMEDOUT)
		snprintf(ctx->knl.error, sizeof(ctx->knl.error),
			 "it goes on, but nothing was compared for %d s: "
			 "'shard list' shows which copies are not in sync",
			 ctx->timeout_ms / 1000);
	if (!err && verify->done.error) {
		snprintf(ctx->knl.error, sizeof(ctx->knl.error),
			 "shard %" PRIu32 ": was ended before it was done: %s",
			 verify->shard, strerror(-verify->done.error));
		err = verify->done.error;
	}
	return err;
}

static int kernel_verify_one(struct kernel_verify *verify, bool repair)
{
	int err = kernel_verify_send(verify, repair ? QBD_A_SHARD_REPAIR : 0);

	verify->done = (struct kernel_verified){ 0 };
	if (err || verify->ctx->no_wait)
		return err;
	return kernel_verify_wait(verify);
}

/* What is to be said at the end, all shards together. */
static int kernel_verify_verdict(struct kernel_ctx *ctx,
				 const struct kernel_verified *sum)
{
	const char *what = NULL;

	if (sum->undecided)
		what = "no quorum of copies has the same bytes: write these blocks anew";
	else if (sum->differ > sum->repaired)
		what = "copies differ: --repair puts them right";
	else if (sum->skipped)
		what = "some of it could not be compared: try again";
	else if (sum->missing)
		what = "a copy was out of reach: compare again when all of them are in-sync";
	if (!what)
		return KERNEL_OK;
	snprintf(ctx->knl.error, sizeof(ctx->knl.error), "%s", what);
	kernel_end(ctx, -EUCLEAN);
	return KERNEL_DIFFERS;
}

static void kernel_verify_add(struct kernel_verified *sum,
			      const struct kernel_verified *done)
{
	sum->missing += done->missing;
	sum->skipped += done->skipped;
	sum->differ += done->differ;
	sum->repaired += done->repaired;
	sum->undecided += done->undecided;
}

/* One shard after the other; @all: not only the one in @verify. */
static int kernel_verify_run(struct kernel_verify *verify, struct out *out,
			     bool all, bool repair, struct kernel_verified *sum)
{
	int err = 0;

	if (all)
		err = kernel_verify_find(verify);
	else
		verify->found = true;
	if (!err && !verify->found) {
		snprintf(verify->ctx->knl.error, sizeof(verify->ctx->knl.error),
			 "no shard of volume %" PRIu32 " is led here",
			 verify->volume);
		return -ENOENT;
	}
	while (!err && verify->found) {
		err = kernel_verify_one(verify, repair);
		if (!err && !verify->ctx->no_wait)
			kernel_verify_cells(out, verify->volume, verify->shard,
					    &verify->done);
		kernel_verify_add(sum, &verify->done);
		verify->found = false;
		verify->from = verify->shard + 1;
		if (!err && all)
			err = kernel_verify_find(verify);
	}
	return err;
}

int kernel_shard_verify(struct kernel_ctx *ctx, int argc, char **argv)
{
	struct kernel_verify verify = { .ctx = ctx };
	struct kernel_verified sum = { 0 };
	bool has_shard = false;
	bool repair = false;
	const struct opt opts[] = {
		{ "volume", &opt_u32, OPT_MUST, &verify.volume, NULL,
		  "of that volume, which is attached here" },
		{ "term", &kernel_opt_term, OPT_MUST, &verify.term, NULL,
		  "the one that it is attached under" },
		{ "shard", &opt_u32, OPT_MAY, &verify.shard, &has_shard,
		  "only that one (default: all, one after the other)" },
		{ "repair", &opt_flag, OPT_MAY, &repair, NULL,
		  "write what a quorum of copies has over what others have" },
		OPT_END,
	};
	struct out out;
	int code = kernel_begin(ctx, argc, argv, opts);
	int err;

	if (code)
		return code;
	if (ctx->no_wait && !has_shard)
		return opt_usage(&ctx->cmd, opts,
				 "--no-wait needs --shard: one at a time");
	err = ctx->no_wait ? 0 : knl_events_join(&ctx->knl);
	if (err)
		return kernel_end(ctx, err);
	if (!ctx->no_wait)
		kernel_list(ctx, &out, kernel_verify_cols, KERNEL_VERIFY_COLS);
	err = kernel_verify_run(&verify, &out, !has_shard, repair, &sum);
	if (!ctx->no_wait)
		out_end(&out);
	return err ? kernel_end(ctx, err) : kernel_verify_verdict(ctx, &sum);
}

int kernel_shard_verify_stop(struct kernel_ctx *ctx, int argc, char **argv)
{
	struct kernel_verify verify = { .ctx = ctx };
	const struct opt opts[] = {
		{ "volume", &opt_u32, OPT_MUST, &verify.volume, NULL,
		  "of that volume, which is attached here" },
		{ "term", &kernel_opt_term, OPT_MUST, &verify.term, NULL,
		  "the one that it is attached under" },
		{ "shard", &opt_u32, OPT_MUST, &verify.shard, NULL,
		  "that one" },
		OPT_END,
	};
	int code = kernel_begin(ctx, argc, argv, opts);

	if (code)
		return code;
	return kernel_end(ctx, kernel_verify_send(&verify, QBD_A_SHARD_STOP));
}
