// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file with a node's key: made once, and refused when it is not only ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>

#include "harness.h"

#include "../../daemon/session/identity.h"

FIXTURE(key)
{
	char dir[64];
	char path[96];
	char fresh[96];
	struct identity made;
	struct identity seen;
};

FIXTURE_SETUP(key)
{
	snprintf(self->dir, sizeof(self->dir), "/tmp/qbd-identity-XXXXXX");
	ASSERT_TRUE(mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/key", self->dir);
	snprintf(self->fresh, sizeof(self->fresh), "%s/key.new", self->dir);
}

FIXTURE_TEARDOWN(key)
{
	identity_free(&self->made);
	identity_free(&self->seen);
	unlink(self->path);
	unlink(self->fresh);
	rmdir(self->dir);
}

static void write_file(const char *path, const void *data, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ASSERT_GE(fd, 0);
	ASSERT_EQ((ssize_t)bytes, write(fd, data, bytes));
	close(fd);
}

TEST_F(key, made_and_loaded)
{
	struct stat stat_seen;

	ASSERT_EQ(0, identity_create(&self->made, self->path));
	ASSERT_EQ(0, stat(self->path, &stat_seen));
	EXPECT_EQ(0600, stat_seen.st_mode & 07777);
	EXPECT_EQ(-1, access(self->fresh, F_OK));
	ASSERT_EQ(0, identity_load(&self->seen, self->path));
	EXPECT_MEMEQ(self->made.public, self->seen.public, IDENTITY_KEY);
}

TEST_F(key, no_two_are_equal)
{
	uint8_t first[IDENTITY_KEY];

	ASSERT_EQ(0, identity_create(&self->made, self->path));
	memcpy(first, self->made.public, IDENTITY_KEY);
	identity_free(&self->made);
	unlink(self->path);
	ASSERT_EQ(0, identity_create(&self->made, self->path));
	EXPECT_NE(0, memcmp(first, self->made.public, IDENTITY_KEY));
}

/* A key that a cluster knows is never lost to a second one. */
TEST_F(key, never_replaced)
{
	ASSERT_EQ(0, identity_create(&self->made, self->path));
	EXPECT_EQ(-EEXIST, identity_create(&self->seen, self->path));
	EXPECT_TRUE(strstr(self->seen.error, "File exists"));
	EXPECT_EQ(-1, access(self->fresh, F_OK));
	ASSERT_EQ(0, identity_load(&self->seen, self->path));
	EXPECT_MEMEQ(self->made.public, self->seen.public, IDENTITY_KEY);
}

TEST_F(key, what_a_crash_left)
{
	write_file(self->fresh, "half a k", 8);
	ASSERT_EQ(0, identity_create(&self->made, self->path));
	ASSERT_EQ(0, identity_load(&self->seen, self->path));
}

TEST_F(key, no_directory)
{
	EXPECT_EQ(-ENOENT, identity_create(&self->made, "/nowhere/key"));
	EXPECT_TRUE(strstr(self->made.error, "/nowhere/key"));
	EXPECT_EQ(-ENOENT, identity_load(&self->seen, self->path));
}

TEST_F(key, others_may_use_it)
{
	static const mode_t modes[] = { 0640, 0604, 0620, 0602, 0660, 0777 };
	size_t i;

	ASSERT_EQ(0, identity_create(&self->made, self->path));
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ASSERT_EQ(0, chmod(self->path, modes[i]));
		EXPECT_EQ(-EPERM, identity_load(&self->seen, self->path));
		EXPECT_TRUE(strstr(self->seen.error, "want 0600"));
	}
	if (geteuid())
		return;
	ASSERT_EQ(0, chmod(self->path, 0600));
	ASSERT_EQ(0, chown(self->path, 1, 0));
	EXPECT_EQ(-EPERM, identity_load(&self->seen, self->path));
	EXPECT_TRUE(strstr(self->seen.error, "belongs to uid 1"));
}

TEST_F(key, not_a_file)
{
	char link[96];

	ASSERT_EQ(0, mkfifo(self->path, 0600));
	EXPECT_EQ(-EINVAL, identity_load(&self->seen, self->path));
	unlink(self->path);
	ASSERT_EQ(0, identity_create(&self->made, self->path));
	snprintf(link, sizeof(link), "%s/link", self->dir);
	ASSERT_EQ(0, symlink(self->path, link));
	EXPECT_EQ(-ELOOP, identity_load(&self->seen, link));
	unlink(link);
	EXPECT_EQ(-EINVAL, identity_load(&self->seen, "/tmp"));
}

TEST_F(key, not_a_key)
{
	static const char rsa[] = "-----BEGIN PRIVATE KEY-----\nMIIB\n"
				  "-----END PRIVATE KEY-----\n";
	/* X25519, not Ed25519: a key, but no signature */
	static const char other[] =
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VuBCIEIHhhiNOdURMMyHuMprXBox5zr5ZwpvE6YxepwFJkydl8\n"
		"-----END PRIVATE KEY-----\n";
	char much[8192];
	char text[4096];
	ssize_t len;
	int fd;

	write_file(self->path, "", 0);
	EXPECT_EQ(-EINVAL, identity_load(&self->seen, self->path));
	write_file(self->path, rsa, sizeof(rsa) - 1);
	EXPECT_EQ(-EINVAL, identity_load(&self->seen, self->path));
	write_file(self->path, other, sizeof(other) - 1);
	EXPECT_EQ(-EINVAL, identity_load(&self->seen, self->path));
	memset(much, 'x', sizeof(much));
	write_file(self->path, much, sizeof(much));
	EXPECT_EQ(-EFBIG, identity_load(&self->seen, self->path));
	/* cut off anywhere */
	unlink(self->path);
	ASSERT_EQ(0, identity_create(&self->made, self->path));
	fd = open(self->path, O_RDONLY);
	len = read(fd, text, sizeof(text));
	close(fd);
	ASSERT_GT(len, 100);
	for (len = len - 30; len >= 0; len -= 7) {
		write_file(self->path, text, (size_t)len);
		EXPECT_EQ(-EINVAL, identity_load(&self->seen, self->path));
	}
}

TEST(spki)
{
	uint8_t key[IDENTITY_KEY] = "0123456789abcdef0123456789abcde";
	uint8_t seen[IDENTITY_KEY];
	uint8_t spki[IDENTITY_SPKI + 1] = { 0 };
	size_t i;

	identity_spki(spki, key);
	EXPECT_EQ(0, identity_spki_parse(spki, IDENTITY_SPKI, seen));
	EXPECT_MEMEQ(key, seen, IDENTITY_KEY);
	EXPECT_EQ(-EINVAL, identity_spki_parse(spki, IDENTITY_SPKI + 1, seen));
	EXPECT_EQ(-EINVAL, identity_spki_parse(spki, IDENTITY_SPKI - 1, seen));
	EXPECT_EQ(-EINVAL, identity_spki_parse(spki, 0, seen));
	for (i = 0; i < IDENTITY_SPKI - IDENTITY_KEY; i++) {
		spki[i] ^= 1;
		EXPECT_EQ(-EINVAL,
			  identity_spki_parse(spki, IDENTITY_SPKI, seen));
		spki[i] ^= 1;
	}
}

TEST_HARNESS_MAIN
