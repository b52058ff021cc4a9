/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "seal/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "seal/start.h"

#define RESTORE_MAGIC "kjRESTK\x1a"
#define SENDER_MAGIC  "kjSENDK\x1a"
#define KEYS_VERSION  1
#define LUKS_MAGIC    "LUKS\xba\xbe" /* lib/luks2/luks2.h of cryptsetup */

/* Either key as it is stored. docs/image-format.md has it. */
struct key_file {
	char magic[8];
	uint32_t version;
	uint32_t crc; /* CRC32C of the 80 bytes with this field 0 */
	uint8_t secret[KEYS_BYTES];
	uint8_t other[KEYS_BYTES]; /* the public key of the other one */
};

_Static_assert(sizeof(struct key_file) == KEYS_FILE, "a key as it is stored");
_Static_assert(sizeof(struct restore_key) == 2 * KEYS_BYTES, "a key in memory");
_Static_assert(sizeof(struct sender_key) == sizeof(struct restore_key), "a key in memory");

/*
 * Keys are copied by way of the vector registers, which the kernel keeps when another task runs, in
 * memory that it does not clear when this one ends. Ones and not zeros: XSAVEOPT leaves out what is
 * in its initial state, and what was there before would stay (Intel SDM, 13.9).
 */
static void wipe_registers(void)
{
#define EACH_8(format, a, b, c, d, e, f, g, h)                                                     \
	format(a) format(b) format(c) format(d) format(e) format(f) format(g) format(h)
#define LOW(format)                                                                                \
	EACH_8(format, 0, 1, 2, 3, 4, 5, 6, 7) EACH_8(format, 8, 9, 10, 11, 12, 13, 14, 15)
#define HIGH(format)                                                                               \
	EACH_8(format, 16, 17, 18, 19, 20, 21, 22, 23)                                             \
	EACH_8(format, 24, 25, 26, 27, 28, 29, 30, 31)
#define ONES_SSE(n)    "pcmpeqd %%xmm" #n ", %%xmm" #n "\n"
#define ONES_AVX(n)    "vcmpps $0xf, %%ymm" #n ", %%ymm" #n ", %%ymm" #n "\n"
#define ONES_AVX512(n) "vpternlogd $0xff, %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n"
#define LOW_16                                                                                     \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",   \
		"xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile(LOW(ONES_AVX512) HIGH(ONES_AVX512)::: LOW_16);
	else if (__builtin_cpu_supports("avx"))
		__asm__ volatile(LOW(ONES_AVX)::: LOW_16);
	else
		__asm__ volatile(LOW(ONES_SSE)::: LOW_16);
}

void keys_wipe(void *bytes, size_t size)
{
	sodium_memzero(bytes, size);
	wipe_registers();
}

void keys_wipe_stack(void)
{
	sodium_stackzero(8192);
	wipe_registers();
}

/*
 * What is mapped from now on as well, the memory of threads to come for one. Not where the limit
 * would make a mapping fail later: who may not lock has no key but the one that was handed to him.
 */
static void lock_memory(void)
{
	const size_t much = (size_t)1 << 40;
	void *probe;

	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		return;
	probe = mmap(NULL, much, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (probe == MAP_FAILED)
		mlockall(MCL_CURRENT | MCL_ONFAULT);
	else
		munmap(probe, much);
}

void keys_hide(void)
{
	const struct rlimit none = { 0, 0 };

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	lock_memory();
}

/* --- a pair --- */

int keys_make(struct restore_key *restore, struct sender_key *sender, struct error *err)
{
	int code = seal_start(err);

	if (!code)
		code = seal_random(restore->secret, sizeof(restore->secret), err);
	if (!code)
		code = seal_random(sender->secret, sizeof(sender->secret), err);
	if (code)
		return code;
	crypto_scalarmult_base(sender->restorer, restore->secret);
	crypto_scalarmult_base(restore->sender, sender->secret);
	return 0;
}

bool keys_belong(const struct restore_key *restore, const struct sender_key *sender)
{
	uint8_t restorer[KEYS_BYTES], other[KEYS_BYTES];

	crypto_scalarmult_base(restorer, restore->secret);
	crypto_scalarmult_base(other, sender->secret);
	return !memcmp(restorer, sender->restorer, KEYS_BYTES) &&
	       !memcmp(other, restore->sender, KEYS_BYTES);
}

/* --- as bytes --- */

static void pack(const char *magic, const void *key, struct key_file *ret)
{
	*ret = (struct key_file){ .version = KEYS_VERSION };
	memcpy(ret->magic, magic, sizeof(ret->magic));
	memcpy(ret->secret, key, 2 * KEYS_BYTES);
	ret->crc = crc32c(0, ret, sizeof(*ret));
}

/* WHAT is the key's name, for messages. */
static int unpack(const char *magic, const char *what, const void *bytes, size_t size, void *key,
		  struct error *err)
{
	struct key_file file = { .version = 0 };
	uint32_t crc;
	int code = 0;

	memcpy(&file, bytes, size < sizeof(file) ? size : sizeof(file));
	crc = file.crc;
	file.crc = 0;
	if (!memcmp(file.magic, LUKS_MAGIC, sizeof(LUKS_MAGIC) - 1))
		code = error_set(
			err, ENODATA,
			"holds a container that is not open, which is for --key, and no %s", what);
	else if (memcmp(file.magic, magic, sizeof(file.magic)))
		code = error_set(err, ENODATA, "holds no %s", what);
	else if (file.version != KEYS_VERSION)
		code = error_set(err, ENOTSUP, "%s of version %u is not supported", what,
				 file.version);
	else if (size < sizeof(file) || crc != crc32c(0, &file, sizeof(file)))
		code = error_set(err, EUCLEAN, "%s is damaged", what);
	else
		memcpy(key, file.secret, 2 * KEYS_BYTES);
	keys_wipe(&file, sizeof(file));
	return code;
}

void keys_pack_restore(const struct restore_key *key, uint8_t ret[KEYS_FILE])
{
	struct key_file file;

	pack(RESTORE_MAGIC, key, &file);
	memcpy(ret, &file, sizeof(file));
	keys_wipe(&file, sizeof(file));
}

int keys_unpack_restore(const void *bytes, size_t size, struct restore_key *ret, struct error *err)
{
	return unpack(RESTORE_MAGIC, "restore key", bytes, size, ret, err);
}

/* --- in files --- */

/* A block device is an open container: what is read of it must not stay in the page cache. */
static void bypass_cache(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && !fstat(fd, &st) && S_ISBLK(st.st_mode))
		fcntl(fd, F_SETFL, flags | O_DIRECT);
}

/* From the place where FD stands, at most KEYS_PAGE bytes; how many, or a negative errno value. */
static ssize_t read_page(int fd, unsigned char *page)
{
	size_t used = 0;

	while (used < KEYS_PAGE) {
		ssize_t got = read(fd, page + used, KEYS_PAGE - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

int keys_read_restore(int fd, struct restore_key *ret, struct error *err)
{
	/* Aligned, for O_DIRECT. */
	_Alignas(KEYS_PAGE) unsigned char page[KEYS_PAGE];
	ssize_t size;
	int code;

	bypass_cache(fd);
	size = read_page(fd, page);
	if (size < 0) {
		errno = (int)-size;
		code = error_errno(err, "cannot be read");
	} else {
		code = keys_unpack_restore(page, (size_t)size, ret, err);
	}
	keys_wipe(page, sizeof(page));
	close(fd);
	return code ? error_prefix(err, "key, descriptor %d", fd) : 0;
}

static int write_file(int fd, const struct sender_key *key)
{
	struct key_file file;
	int code = 0;

	pack(SENDER_MAGIC, key, &file);
	if (fchmod(fd, 0600) || write(fd, &file, sizeof(file)) != (ssize_t)sizeof(file) ||
	    fsync(fd))
		code = errno ? -errno : -EIO;
	keys_wipe(&file, sizeof(file));
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return code;
}

int keys_write_sender(const char *path, const struct sender_key *key, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int code;

	if (fd < 0)
		return error_errno(err, "%s", path);
	errno = 0;
	code = write_file(fd, key);
	close(fd);
	if (!code)
		return 0;
	unlink(path);
	errno = -code;
	return error_errno(err, "%s", path);
}

/*
 * Past the page cache where the file system can do that, and without a mark that it was read: right
 * before a jump nothing should be written to it any more.
 */
static int open_sender(const char *path, struct error *err)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
	int fd = open(path, flags | O_DIRECT | O_NOATIME);
	struct stat st;
	int code = 0;

	/* Without the first one where the file system has not got it; EPERM: another one's file. */
	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = open(path, flags);
	if (fd < 0 || fstat(fd, &st))
		code = error_errno(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		code = error_set(err, EINVAL, "%s: not a regular file", path);
	else if ((st.st_uid && st.st_uid != geteuid()) || st.st_mode & 077)
		code = error_set(err, EPERM,
				 "%s: others may read or change it, so it is no secret; it has to "
				 "belong to root and to have mode 0600",
				 path);
	if (code && fd >= 0)
		close(fd);
	return code ? code : fd;
}

int keys_read_sender(const char *path, struct sender_key *ret, struct error *err)
{
	_Alignas(KEYS_PAGE) unsigned char page[KEYS_PAGE];
	int fd = open_sender(path, err);
	ssize_t size;
	int code;

	if (fd < 0)
		return fd;
	size = read_page(fd, page);
	if (size < 0) {
		errno = (int)-size;
		code = error_errno(err, "cannot be read");
	} else {
		code = unpack(SENDER_MAGIC, "sender's key", page, (size_t)size, ret, err);
	}
	keys_wipe(page, sizeof(page));
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
	return code ? error_prefix(err, "%s", path) : 0;
}
