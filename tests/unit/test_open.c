// SPDX-License-Identifier: GPL-2.0-only
/* core/open.c: from superblocks to a store, and what stands in the way. */
#include "harness.h"
#include "image.h"

FIXTURE(open)
{
	struct image *img;
};

FIXTURE_SETUP(open)
{
	self->img = malloc(sizeof(*self->img));
	image_format(self->img, IMAGE_BLOCKS, IMAGE_WAL_BLOCKS);
}

FIXTURE_TEARDOWN(open)
{
	image_free(self->img);
	free(self->img);
}

static struct qbd_super *image_slot(struct image *img, u32 slot)
{
	static struct qbd_super super;

	if (qbd_super_decode(img->data + qbd_super_block(slot) * QBD_BLOCK_SIZE,
			     &super))
		return NULL;
	return &super;
}

TEST_F(open, a_new_store)
{
	struct image *img = self->img;
	struct qbd_super *super;
	u32 slot;

	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(0, img->nr_findings);
	EXPECT_EQ(1, img->flushes - 2);
	for (slot = 0; slot < QBD_SUPER_SLOTS; slot++) {
		super = image_slot(img, slot);
		ASSERT_TRUE(super);
		EXPECT_EQ(2, super->gen);
		EXPECT_EQ(1, super->opens);
		EXPECT_EQ(77, super->incarnation);
		EXPECT_EQ(IMAGE_RUN_2, super->run);
		EXPECT_EQ(1, super->node);
		EXPECT_EQ(0, super->flags);
	}
	EXPECT_FALSE(img->open.must_checkpoint);
}

TEST_F(open, readonly_writes_nothing)
{
	struct image *img = self->img;
	u64 writes = img->writes;

	ASSERT_EQ(0, image_open_ro(img, true));
	EXPECT_EQ(writes, img->writes);
	EXPECT_EQ(1, image_slot(img, 0)->gen);
}

TEST_F(open, one_slot_is_enough)
{
	struct image *img = self->img;
	u32 slot;

	for (slot = 0; slot < QBD_SUPER_SLOTS; slot++) {
		img->data[qbd_super_block(slot) * QBD_BLOCK_SIZE + 100] ^= 1;
		ASSERT_EQ(0, image_open_ro(img, true));
		ASSERT_EQ(1, img->nr_findings);
		EXPECT_EQ(QBD_FIND_SUPER, img->finding[0].kind);
		EXPECT_EQ(slot, img->finding[0].first);
		EXPECT_EQ(-EBADMSG, img->finding[0].error);
		/* Opening for use makes it whole again. */
		ASSERT_EQ(0, image_open_rw(img));
		ASSERT_EQ(0, image_open_ro(img, true));
		EXPECT_EQ(0, img->nr_findings);
	}
}

TEST_F(open, no_slot_is_not)
{
	struct image *img = self->img;

	img->data[100] ^= 1;
	img->data[QBD_SUPER_BLOCK_1 * QBD_BLOCK_SIZE + 100] ^= 1;
	EXPECT_EQ(-EBADMSG, image_open_rw(img));
	EXPECT_TRUE(image_found(img, QBD_FIND_NO_SUPER));
	memset(img->data, 0, 32 * QBD_BLOCK_SIZE);
	EXPECT_EQ(-ENXIO, image_open_rw(img));
}

TEST_F(open, a_slot_that_can_not_be_read)
{
	struct image *img = self->img;

	img->unreadable = QBD_SUPER_BLOCK_1;
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_TRUE(image_found(img, QBD_FIND_SUPER));
	EXPECT_EQ(-EIO, img->finding[0].error);
}

TEST_F(open, a_crash_between_the_slots)
{
	struct image *img = self->img;
	u8 old[QBD_BLOCK_SIZE];
	u8 *slot1 = img->data + QBD_SUPER_BLOCK_1 * QBD_BLOCK_SIZE;

	memcpy(old, slot1, sizeof(old));
	ASSERT_EQ(0, image_open_rw(img));
	memcpy(slot1, old, sizeof(old));
	ASSERT_EQ(0, image_open_ro(img, true));
	EXPECT_EQ(2, img->open.super.gen);
	EXPECT_EQ(0, img->nr_findings);
	/* The other way round the device lost the write of slot 0. */
	ASSERT_EQ(0, image_open_rw(img));
	memcpy(img->data, old, sizeof(old));
	ASSERT_EQ(0, image_open_ro(img, true));
	EXPECT_EQ(3, img->open.super.gen);
	EXPECT_TRUE(image_found(img, QBD_FIND_SUPER_LATE));
}

TEST_F(open, another_store_in_one_slot)
{
	struct image *img = self->img;

	img->super.store[0] ^= 1;
	image_super(img);
	memcpy(img->data + QBD_SUPER_BLOCK_1 * QBD_BLOCK_SIZE, img->data,
	       QBD_BLOCK_SIZE);
	ASSERT_EQ(0, image_open_ro(img, true));
	img->super.store[0] ^= 2;
	img->super.gen++;
	image_super(img);
	img->super.store[0] ^= 1;
	{
		static struct qbd_meta_entry none[QBD_SUPER_ROOTS];

		ASSERT_EQ(0, qbd_super_encode(&img->super, none, img->data));
	}
	EXPECT_EQ(-EUCLEAN, image_open_ro(img, true));
}

TEST_F(open, wrong_identity)
{
	struct image *img = self->img;
	struct qbd_open_config config = { .dev_blocks = img->blocks,
					  .readonly = true };

	memcpy(config.cluster, IMAGE_CLUSTER, QBD_UUID_SIZE);
	EXPECT_EQ(0, image_open(img, &config));
	config.cluster[3] ^= 1;
	EXPECT_EQ(-EPERM, image_open(img, &config));
	EXPECT_TRUE(image_found(img, QBD_FIND_IDENTITY));
	memset(config.cluster, 0, sizeof(config.cluster));
	config.node = 2;
	EXPECT_EQ(0, image_open(img, &config)); /* nobody had it yet */
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_EQ(-EPERM, image_open(img, &config));
	config.node = 1;
	EXPECT_EQ(0, image_open(img, &config));
	config.dev_blocks--;
	EXPECT_EQ(-ERANGE, image_open(img, &config));
	EXPECT_TRUE(image_found(img, QBD_FIND_SIZE));
}

TEST_F(open, rolled_back)
{
	struct image *img = self->img;
	struct qbd_open_config config = { .dev_blocks = img->blocks,
					  .readonly = true,
					  .opens_min = 1 };
	struct qbd_store_replica replica;

	img->super.flags = 0;
	image_super(img);
	image_create(img, 5, 0);
	image_commit(img);
	ASSERT_EQ(0, image_open(img, &config));
	EXPECT_TRUE(image_found(img, QBD_FIND_ROLLED_BACK));
	ASSERT_EQ(0, qbd_store_replica_get(img->core, 0, &replica));
	EXPECT_EQ(QBD_REPLICA_USED | QBD_REPLICA_NONVOTING,
		  replica.table.flags);
	EXPECT_TRUE(img->open.must_checkpoint);
	config.opens_min = 0;
	ASSERT_EQ(0, image_open(img, &config));
	ASSERT_EQ(0, qbd_store_replica_get(img->core, 0, &replica));
	EXPECT_EQ(QBD_REPLICA_USED, replica.table.flags);
}

/* What the first slot says of how often the store was opened. */
static u64 image_opens(struct image *img)
{
	struct qbd_super *super = image_slot(img, 0);

	return super ? super->opens : U64_MAX;
}

/*
 * The count rises with the flags, beyond what the cluster knows: a crash before
 * the checkpoint changes nothing, and no other old image counts enough later.
 */
TEST_F(open, rolled_back_until_the_flags_are_durable)
{
	struct image *img = self->img;
	struct qbd_open_config config = { .dev_blocks = img->blocks,
					  .node = 1,
					  .incarnation = 78,
					  .run = 5,
					  .opens_min = 9 };
	struct qbd_store_replica replica;
	u32 i;

	img->super.flags = 0;
	image_super(img);
	image_create(img, 5, 0);
	image_commit(img);
	for (i = 0; i < 3; i++, config.run++) {
		ASSERT_EQ(0, image_open(img, &config));
		EXPECT_TRUE(image_found(img, QBD_FIND_ROLLED_BACK));
		EXPECT_TRUE(img->open.must_checkpoint);
		EXPECT_EQ(0, image_opens(img));
		EXPECT_EQ(10, qbd_store_super(img->core)->opens);
	}
	ASSERT_EQ(0, image_checkpoint(img, false));
	EXPECT_EQ(10, image_opens(img));
	config.opens_min = 10;
	ASSERT_EQ(0, image_open(img, &config));
	EXPECT_FALSE(image_found(img, QBD_FIND_ROLLED_BACK));
	EXPECT_FALSE(img->open.must_checkpoint);
	EXPECT_EQ(11, image_opens(img));
	ASSERT_EQ(0, qbd_store_replica_get(img->core, 0, &replica));
	EXPECT_EQ(QBD_REPLICA_USED | QBD_REPLICA_NONVOTING,
		  replica.table.flags);
	EXPECT_TRUE(qbd_store_super(img->core)->flags & QBD_SUPER_FORGOT);
}

/* A store without any replica has to remember it as well. */
TEST_F(open, rolled_back_to_nothing)
{
	struct image *img = self->img;
	struct qbd_open_config config = { .dev_blocks = img->blocks,
					  .node = 1,
					  .incarnation = 78,
					  .run = 5,
					  .opens_min = 1 };

	ASSERT_EQ(0, image_open(img, &config));
	EXPECT_TRUE(img->open.must_checkpoint);
	EXPECT_EQ(0, image_opens(img));
	ASSERT_EQ(0, image_checkpoint(img, false));
	EXPECT_EQ(2, image_opens(img));
	ASSERT_EQ(0, image_open_rw(img));
	EXPECT_TRUE(qbd_store_super(img->core)->flags & QBD_SUPER_FORGOT);
}

TEST_F(open, an_incompatible_format)
{
	struct image *img = self->img;
	struct qbd_disk_super *disk = (struct qbd_disk_super *)img->data;

	disk->incompat = cpu_to_le64(1);
	disk->crc = cpu_to_le32(
		qbd_block_crc(qbd_block_seed(disk->store), disk,
			      offsetof(struct qbd_disk_super, crc)));
	EXPECT_EQ(-EPROTONOSUPPORT, image_open_rw(img));
}

TEST_HARNESS_MAIN
