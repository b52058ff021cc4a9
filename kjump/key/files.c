/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The container, the sender's key, and what is in them. */
#include "kjump/key/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kjump/key/container.h"
#include "seal/box.h"

/*
 * Eight key slots, for a passphrase, a recovery key and tokens; then one page for the key. 2 MiB in
 * all, in each initramfs: what cryptsetup takes by default would be 16.
 */
#define METADATA_SIZE	"16k"
#define SLOTS_SIZE	"2064384"
#define CONTAINER_BYTES (2 * 16384 + 2064384 + KEYS_PAGE)

#define MAPPING_SIZE 32

/* Made under another name, and never another's: two of these may run at a time. */
static void mapping_name(char ret[MAPPING_SIZE])
{
	snprintf(ret, MAPPING_SIZE, "kjump-key-%ld", (long)getpid());
}

static int close_mapping(const struct cryptsetup *cryptsetup, const char *name, struct error *err)
{
	const char *const arguments[] = { "close", "--deferred", name, NULL };

	return cryptsetup_run(cryptsetup, arguments, "", 0, err);
}

/*
 * The mapping, which goes with the descriptor: whatever ends this process, no open container stays
 * behind.
 */
static int take_mapping(const struct cryptsetup *cryptsetup, const char *name, int flags,
			struct error *err)
{
	struct error closing = { 0 };
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", cryptsetup->mapper, name);
	/* Tests have a file there, on a file system without direct I/O. */
	fd = open(path, flags | O_DIRECT | O_CLOEXEC);
	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		error_errno(err, "%s", path);
	if (close_mapping(cryptsetup, name, &closing))
		message("%s; the container is still open", closing.text);
	return fd < 0 ? -err->code : fd;
}

/* --- opening ---------------------------------------------------------------------------------- */

int key_open(const struct cryptsetup *cryptsetup, const char *container, struct restore_key *ret,
	     struct error *err)
{
	char name[MAPPING_SIZE];
	const char *const arguments[] = { "open",    "--type", "luks2", "--readonly",
					  container, name,     NULL };
	int rc;

	mapping_name(name);
	rc = access(container, R_OK) ? error_errno(err, "%s", container)
				     : cryptsetup_run(cryptsetup, arguments, NULL, 0, err);
	if (rc)
		return rc;
	rc = take_mapping(cryptsetup, name, O_RDONLY, err);
	if (rc >= 0)
		rc = keys_read_restore(rc, ret, err);
	return rc ? error_prefix(err, "%s", container) : 0;
}

/* --- the pair --------------------------------------------------------------------------------- */

/* What the container is called, which names the pair. */
static int name_container(const struct sender_key *sender, char ret[CONTAINER_UUID],
			  struct error *err)
{
	struct opener opener;
	int rc = opener_sender(sender, &opener, err);

	if (!rc)
		container_name(opener.name, ret);
	opener_end(&opener);
	return rc;
}

int key_belongs(const char *sender, const char *path, const struct container *container,
		struct error *err)
{
	char uuid[CONTAINER_UUID];
	struct sender_key key;
	int rc = keys_read_sender(sender, &key, err);

	if (!rc)
		rc = name_container(&key, uuid, err);
	if (!rc && !container_belongs(container, uuid))
		rc = error_set(err, EKEYREJECTED,
			       "%s is of another pair than %s, which would not open what is sealed "
			       "with it",
			       sender, path);
	keys_wipe(&key, sizeof(key));
	return rc;
}

int key_lock(const char *folder, struct error *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "%s", folder);
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	if (errno == EWOULDBLOCK)
		error_set(err, EBUSY, "%s: another kjump makes or removes keys", folder);
	else
		error_errno(err, "%s", folder);
	close(fd);
	return -err->code;
}

/* --- making ----------------------------------------------------------------------------------- */

static int make_file(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return error_errno(err, "%s", path);
	/* Not a hole: what is written to it must not fail for want of room. */
	rc = posix_fallocate(fd, 0, CONTAINER_BYTES);
	close(fd);
	return rc ? error_set(err, rc, "%s: %s", path, strerror(rc)) : 0;
}

static int format(const struct cryptsetup *cryptsetup, const char *path, const char *uuid,
		  const struct passphrase *passphrase, struct error *err)
{
	const char *const arguments[] = { "luksFormat",
					  "--batch-mode",
					  "--type",
					  "luks2",
					  "--cipher",
					  "aes-xts-plain64",
					  "--key-size",
					  "512",
					  "--sector-size",
					  "512",
					  "--label",
					  "kjump-key",
					  "--uuid",
					  uuid,
					  "--luks2-metadata-size",
					  METADATA_SIZE,
					  "--luks2-keyslots-size",
					  SLOTS_SIZE,
					  "--key-file",
					  "-",
					  path,
					  NULL };

	return cryptsetup_run(cryptsetup, arguments, passphrase->bytes, passphrase->size, err);
}

static int write_page(int fd, const struct restore_key *key, struct error *err)
{
	_Alignas(KEYS_PAGE) uint8_t page[KEYS_PAGE] = { 0 };
	int rc = 0;

	keys_pack_restore(key, page);
	errno = EIO;
	if (pwrite(fd, page, sizeof(page), 0) != (ssize_t)sizeof(page))
		rc = error_errno(err, "the restore key");
	keys_wipe(page, sizeof(page));
	return rc;
}

/* Is there in it what was put into it? FD is closed. */
static int look_back(int fd, const struct sender_key *sender, struct error *err)
{
	struct restore_key key;
	int rc = keys_read_restore(fd, &key, err);

	if (!rc && !keys_belong(&key, sender))
		rc = error_set(err, EIO, "another key was read back");
	keys_wipe(&key, sizeof(key));
	return rc;
}

static int fill(const struct cryptsetup *cryptsetup, const char *path,
		const struct passphrase *passphrase, const struct restore_key *key,
		const struct sender_key *sender, struct error *err)
{
	char name[MAPPING_SIZE];
	const char *const arguments[] = { "open", "--type", "luks2", "--key-file",
					  "-",	  path,	    name,    NULL };
	int fd, rc;

	mapping_name(name);
	rc = cryptsetup_run(cryptsetup, arguments, passphrase->bytes, passphrase->size, err);
	if (rc)
		return rc;
	fd = take_mapping(cryptsetup, name, O_RDWR | O_SYNC, err);
	if (fd < 0)
		return fd;
	rc = write_page(fd, key, err);
	if (!rc)
		return look_back(fd, sender, err);
	close(fd);
	return rc;
}

static int sync_path(const char *path, int flags, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	int rc = fd < 0 || fsync(fd) ? error_errno(err, "%s", path) : 0;

	if (fd >= 0)
		close(fd);
	return rc;
}

static int sync_folder(const char *path, struct error *err)
{
	char folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash && slash > folder)
		*slash = '\0';
	return sync_path(slash ? folder : ".", O_DIRECTORY, err);
}

/* The whole container under another name, then both keys in their places. */
static int put(const struct cryptsetup *cryptsetup, const char *container, const char *beside,
	       const char *sender_path, const struct passphrase *passphrase, struct error *err)
{
	struct restore_key key = { 0 };
	struct sender_key sender = { 0 };
	char uuid[CONTAINER_UUID];
	int rc = keys_make(&key, &sender, err);

	if (!rc)
		rc = name_container(&sender, uuid, err);
	if (!rc)
		rc = format(cryptsetup, beside, uuid, passphrase, err);
	if (!rc)
		rc = fill(cryptsetup, beside, passphrase, &key, &sender, err);
	if (!rc)
		rc = sync_path(beside, 0, err);
	if (!rc)
		rc = keys_write_sender(sender_path, &sender, err);
	keys_wipe(&key, sizeof(key));
	keys_wipe(&sender, sizeof(sender));
	if (rc)
		return rc;
	if (rename(beside, container))
		rc = error_errno(err, "%s", container);
	else
		rc = sync_folder(container, err);
	if (rc) {
		unlink(sender_path);
		unlink(container);
	}
	return rc;
}

int key_create(const struct cryptsetup *cryptsetup, const char *container, const char *sender,
	       const struct passphrase *passphrase, struct error *err)
{
	char beside[PATH_MAX];
	int rc;

	if (!access(container, F_OK))
		return error_set(err, EEXIST, "%s: there is one already", container);
	if (!access(sender, F_OK))
		return error_set(err, EEXIST, "%s: there is one already", sender);
	snprintf(beside, sizeof(beside), "%s.new", container);
	unlink(beside);
	rc = make_file(beside, err);
	if (!rc)
		rc = put(cryptsetup, container, beside, sender, passphrase, err);
	if (rc)
		unlink(beside);
	return rc;
}

/* --- removing --------------------------------------------------------------------------------- */

/* What is left where a file system writes to another place, or a disk does, nobody can say. */
static void write_over(const char *path)
{
	const char zeros[KEYS_FILE] = { 0 };
	struct stat st;
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	/* Of anything else nobody knows what writing does. */
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    write(fd, zeros, sizeof(zeros)) == (ssize_t)sizeof(zeros))
		fsync(fd);
	close(fd);
}

int key_remove(const char *container, const char *sender, bool *removed, struct error *err)
{
	write_over(sender);
	*removed = !unlink(sender);
	if (!*removed && errno != ENOENT)
		return error_errno(err, "%s", sender);
	if (!unlink(container))
		*removed = true;
	else if (errno != ENOENT)
		return error_errno(err, "%s", container);
	return *removed ? sync_folder(sender, err) : 0;
}
