/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A's side of the mailbox.
 */
#include "kjump/load/mailbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kjump/paths.h"
#include "text/files.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

int mailbox_frame(const char *pagemap, const void *address, uint64_t *ret, struct error *err)
{
	uint64_t entry;
	int fd = open(pagemap, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return error_errno(err, "%s", pagemap);
	got = pread(fd, &entry, sizeof(entry),
		    (off_t)((uintptr_t)address / FRAME_SIZE * sizeof(entry)));
	close(fd);
	if (got != sizeof(entry) || !(entry & PAGEMAP_PRESENT) || !(entry & PAGEMAP_FRAME))
		return error_set(err, EIO, "%s: does not tell the mailbox's page frame", pagemap);
	*ret = entry & PAGEMAP_FRAME;
	return 0;
}

static bool is_mounted(void)
{
	struct statfs fs;

	return !statfs(PATH_HUGE, &fs) && (unsigned long)fs.f_type == HUGETLBFS_MAGIC;
}

static int mount_huge(struct error *err)
{
	int ret = paths_make_run(err);

	if (ret)
		return ret;
	if (mkdir(PATH_HUGE, 0700) && errno != EEXIST)
		return error_errno(err, PATH_HUGE);
	if (is_mounted())
		return 0;
	if (mount("kjump", PATH_HUGE, "hugetlbfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "pagesize=2M,mode=0700"))
		return error_errno(err, "%s: cannot mount hugetlbfs", PATH_HUGE);
	return 0;
}

/* Change the pool of huge pages by DIFFERENCE. The kernel may do less than it was asked for. */
static bool change_pool(int difference)
{
	struct error ignored = { 0 };
	char before[32], after[32], wanted[32];

	if (file_read(PATH_HUGEPAGES, before, sizeof(before), &ignored))
		return false;
	snprintf(wanted, sizeof(wanted), "%ld", strtol(before, NULL, 10) + difference);
	return !file_poke(PATH_HUGEPAGES, wanted, &ignored) &&
	       !file_read(PATH_HUGEPAGES, after, sizeof(after), &ignored) &&
	       strcmp(before, after) != 0;
}

static void make_room(void)
{
	struct error ignored = { 0 };

	sync();
	file_poke(PATH_DROP_CACHES, "3", &ignored);
	file_poke(PATH_COMPACT, "1", &ignored);
}

/* mmap() reserves the page, so that touching it cannot fail afterwards. */
static int map_file(int fd, struct mailbox_page *page, struct error *err)
{
	void *address = mmap(NULL, MAILBOX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (address == MAP_FAILED)
		return error_errno(err, "%s: no huge page of 2 MiB for the mailbox", PATH_MAILBOX);
	if (madvise(address, MAILBOX_SIZE, MADV_POPULATE_WRITE)) {
		munmap(address, MAILBOX_SIZE);
		return error_errno(err, "%s: no huge page of 2 MiB for the mailbox", PATH_MAILBOX);
	}
	page->mailbox = address;
	return 0;
}

/* From the pool as it is; else from a pool that is one page larger, by force if need be. */
static int map_with_room(int fd, struct mailbox_page *page, struct error *err)
{
	int ret = map_file(fd, page, err);

	for (int attempt = 0; ret && attempt < 2; attempt++) {
		if (attempt)
			make_room();
		page->raised = page->raised || change_pool(1);
		ret = map_file(fd, page, err);
	}
	return ret;
}

static int open_file(struct mailbox_page *page, int flags, struct error *err)
{
	struct stat stat;
	int fd, ret;

	fd = open(PATH_MAILBOX, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
	if (fd < 0)
		return error_errno(err, PATH_MAILBOX);
	if (flags & O_CREAT) {
		ret = ftruncate(fd, MAILBOX_SIZE) ? error_errno(err, PATH_MAILBOX) : 0;
	} else {
		ret = fstat(fd, &stat) ? error_errno(err, PATH_MAILBOX) : 0;
		if (!ret && stat.st_size < MAILBOX_SIZE)
			ret = error_set(err, ENOENT, "%s: no mailbox", PATH_MAILBOX);
	}
	if (!ret)
		ret = flags & O_CREAT ? map_with_room(fd, page, err) : map_file(fd, page, err);
	if (!ret)
		ret = mailbox_frame(PATH_PAGEMAP, page->mailbox, &page->pfn, err);
	close(fd);
	return ret;
}

static int start_afresh(struct mailbox *mailbox, struct error *err)
{
	memset(mailbox, 0, sizeof(*mailbox));
	if (getrandom(mailbox->nonce, sizeof(mailbox->nonce), 0) != sizeof(mailbox->nonce))
		return error_errno(err, "random numbers for the mailbox");
	memcpy(mailbox->magic, MAILBOX_MAGIC, sizeof(mailbox->magic));
	mailbox->version = ABI_VERSION;
	return 0;
}

static bool lies_in(const struct mailbox_page *page, const struct run *frames)
{
	return page->pfn < frames->pfn + frames->count &&
	       frames->pfn < page->pfn + MAILBOX_SIZE / FRAME_SIZE;
}

static void spare_path(char path[64], unsigned number)
{
	snprintf(path, 64, PATH_HUGE "/spare-%u", number);
}

/*
 * The kernel hands out huge pages as they come: those in FRAMES are put aside until there is one
 * elsewhere, and then given back. When there is none, the mailbox stays where it was.
 */
static void move_out(struct mailbox_page *page, const struct run *frames)
{
	const unsigned max = (unsigned)(frames->count / (MAILBOX_SIZE / FRAME_SIZE)) + 1;
	struct mailbox_page other = { .raised = false };
	struct error ignored = { 0 };
	unsigned count = 0, raised = 0;
	char path[64];

	while (lies_in(page, frames) && count < max) {
		spare_path(path, count);
		if (rename(PATH_MAILBOX, path))
			break;
		other = (struct mailbox_page){ .raised = false };
		if (open_file(&other, O_CREAT, &ignored)) {
			mailbox_close(&other);
			raised += other.raised;
			rename(path, PATH_MAILBOX);
			break;
		}
		raised += page->raised;
		mailbox_close(page);
		*page = other;
		count++;
	}
	while (count--) {
		spare_path(path, count);
		unlink(path);
	}
	if (raised)
		change_pool(-(int)raised);
}

int mailbox_create(struct mailbox_page *page, const struct run *avoid, struct error *err)
{
	int ret;

	memset(page, 0, sizeof(*page));
	ret = mount_huge(err);
	if (!ret)
		ret = open_file(page, O_CREAT, err);
	if (!ret && avoid)
		move_out(page, avoid);
	if (!ret)
		ret = start_afresh(page->mailbox, err);
	if (ret) {
		mailbox_close(page);
		mailbox_remove(page->raised);
	}
	return ret;
}

int mailbox_open(struct mailbox_page *page, struct error *err)
{
	int ret;

	memset(page, 0, sizeof(*page));
	if (!is_mounted())
		return error_set(err, ENOENT, "%s: no mailbox", PATH_HUGE);
	ret = open_file(page, 0, err);
	if (ret)
		mailbox_close(page);
	return ret;
}

void mailbox_close(struct mailbox_page *page)
{
	if (page->mailbox)
		munmap(page->mailbox, MAILBOX_SIZE);
	page->mailbox = NULL;
}

void mailbox_remove(bool lower)
{
	if (!is_mounted())
		return;
	unlink(PATH_MAILBOX);
	umount2(PATH_HUGE, MNT_DETACH);
	rmdir(PATH_HUGE);
	if (lower)
		change_pool(-1);
}
