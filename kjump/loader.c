/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel B in A's memory.
 */
#include "kjump/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/tsc.h"
#include "jump/jump.h"
#include "kjump/choice.h"
#include "kjump/files.h"
#include "kjump/gather.h"
#include "kjump/paths.h"
#include "memory/memory.h"

int loader_lock(struct error *err)
{
	int fd, ret;

	if (geteuid() != 0)
		return error_set(err, EPERM, "only root may do this");
	ret = file_make_run(err);
	if (ret)
		return ret;
	fd = open(PATH_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(err, PATH_LOCK);
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return 0; /* the descriptor stays open, and with it the lock */
	ret = errno == EWOULDBLOCK ? error_set(err, EBUSY, "another kjump is at work")
				   : error_errno(err, PATH_LOCK);
	close(fd);
	return ret;
}

/* A file as bytes in memory, without a copy. */
struct file_map {
	void *bytes;
	size_t size;
};

static int map_initramfs(const char *path, struct file_map *ret, struct error *err)
{
	struct stat stat;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int status = 0;

	if (fd < 0)
		return error_errno(err, "%s", path);
	if (fstat(fd, &stat)) {
		status = error_errno(err, "%s", path);
	} else if (!S_ISREG(stat.st_mode) || !stat.st_size) {
		status = error_set(err, EINVAL, "%s: not an initramfs", path);
	} else {
		ret->size = (size_t)stat.st_size;
		ret->bytes = mmap(NULL, ret->size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (ret->bytes == MAP_FAILED) {
			ret->bytes = NULL;
			status = error_errno(err, "%s", path);
		}
	}
	close(fd);
	return status;
}

static int place(const struct choice *choice, const struct runs *avoid, const struct runs *ram,
		 struct jump_load *load, struct error *err)
{
	load->home_size = choice->home;
	if (!load->home_size)
		load->home_size = jump_home_size(load->kernel, load->initramfs_size, choice->cpus);
	/* The kernel's own rule, of which it says no more than "Invalid argument". */
	if (load->home_size > runs_total(ram) * FRAME_SIZE / 2)
		return error_set(err, ENOMEM,
				 "kernel B needs %" PRIu64 " MiB, more than half of the RAM",
				 load->home_size >> 20);
	return jump_place(ram, avoid, PATH_KPAGEFLAGS, load->home_size, &load->home_start, err);
}

static int place_and_load(const struct choice *choice, const struct mailbox_page *page,
			  const struct runs *ram, struct jump_load *load, struct error *err)
{
	struct run frames = { page->pfn, MAILBOX_SIZE / FRAME_SIZE };
	struct runs avoid = { .v = &frames, .n = 1 };
	int ret = place(choice, &avoid, ram, load, err);

	return ret ? ret : jump_load(load, err);
}

int loader_place(const struct config *config, uint64_t *size, uint64_t *start, struct error *err)
{
	const struct runs avoid = { 0 };
	struct jump_kernel kernel = { 0 };
	struct file_map initramfs = { 0 };
	struct jump_load load = { .kernel = &kernel };
	struct runs ram = { 0 };
	struct choice choice;
	int ret;

	ret = choice_make(config, &choice, err);
	if (!ret)
		ret = jump_kernel_read(choice.kernel, &kernel, err);
	if (!ret)
		ret = map_initramfs(choice.initramfs, &initramfs, err);
	if (!ret)
		ret = memory_system_ram(PATH_IOMEM, &ram, err);
	load.initramfs_size = initramfs.size;
	if (!ret)
		ret = place(&choice, &avoid, &ram, &load, err);
	*size = load.home_size;
	*start = load.home_start;
	runs_free(&ram);
	if (initramfs.bytes)
		munmap(initramfs.bytes, initramfs.size);
	jump_kernel_free(&kernel);
	return ret;
}

static int load_b(const struct choice *choice, const struct mailbox_page *page, struct state *state,
		  struct error *err)
{
	struct handoff *handoff = malloc(sizeof(*handoff));
	struct jump_kernel kernel = { 0 };
	struct file_map initramfs = { 0 };
	struct runs ram = { 0 };
	struct jump_load load = { .kernel = &kernel,
				  .cmdline = choice->cmdline,
				  .handoff = handoff };
	int ret;

	if (!handoff) {
		ret = error_set(err, ENOMEM, "out of memory");
		goto out;
	}
	ret = jump_kernel_read(choice->kernel, &kernel, err);
	if (!ret)
		ret = map_initramfs(choice->initramfs, &initramfs, err);
	if (!ret)
		ret = gather_handoff(page, handoff, &ram, err);
	if (ret)
		goto out;
	load.initramfs = initramfs.bytes;
	load.initramfs_size = initramfs.size;
	ret = place_and_load(choice, page, &ram, &load, err);
	if (!ret) {
		state->home_start = load.home_start;
		state->home_size = load.home_size;
	}
out:
	runs_free(&ram);
	if (initramfs.bytes)
		munmap(initramfs.bytes, initramfs.size);
	jump_kernel_free(&kernel);
	free(handoff);
	return ret;
}

/* Is what is loaded what PLAN asks for, with its mailbox at its frame? Opens the mailbox. */
static bool is_warm(const struct choice *choice, struct loader *loader)
{
	const struct state *state = &loader->state;
	struct error ignored = { 0 };

	if (state->digest != choice->digest || mailbox_open(&loader->page, &ignored))
		return false;
	if (loader->page.pfn == state->mailbox_pfn &&
	    !memory_mailbox_check(loader->page.mailbox, state->nonce, &ignored))
		return true;
	mailbox_close(&loader->page);
	return false;
}

static int load_cold(const struct choice *choice, struct loader *loader, struct error *err)
{
	struct state *state = &loader->state;
	struct error ignored = { 0 };
	int ret;

	memset(state, 0, sizeof(*state));
	ret = mailbox_create(&loader->page, err);
	if (ret)
		return ret;
	ret = load_b(choice, &loader->page, state, err);
	if (ret)
		goto out;
	state->digest = choice->digest;
	state->mailbox_pfn = loader->page.pfn;
	state->raised = loader->page.raised;
	memcpy(state->nonce, loader->page.mailbox->nonce, sizeof(state->nonce));
	memcpy(state->kernel, choice->kernel, sizeof(state->kernel));
	memcpy(state->initramfs, choice->initramfs, sizeof(state->initramfs));
	ret = state_write(PATH_STATE, state, err);
	if (ret)
		jump_unload(&ignored);
out:
	if (ret) {
		mailbox_close(&loader->page);
		mailbox_remove(loader->page.raised);
	}
	return ret;
}

int loader_ensure(const struct config *config, struct loader *ret, struct error *err)
{
	uint64_t start = tsc_read();
	struct choice choice;
	int recorded, status;

	memset(ret, 0, sizeof(*ret));
	status = choice_make(config, &choice, err);
	if (status)
		return status;
	recorded = state_read(PATH_STATE, &ret->state, err);
	if (jump_loaded()) {
		if (recorded == -ENOENT)
			return error_set(err, EEXIST,
					 "a kernel that kjump did not load is loaded for kexec "
					 "('kjump unload' drops it)");
		if (!recorded && is_warm(&choice, ret))
			return 0;
	}
	status = loader_drop(err);
	if (!status)
		status = load_cold(&choice, ret, err);
	if (status)
		return status;
	ret->load_start = start;
	ret->load_end = tsc_read();
	return 0;
}

void loader_close(struct loader *loader)
{
	mailbox_close(&loader->page);
}

int loader_drop(struct error *err)
{
	struct error ignored = { 0 };
	struct state state;
	int ret = 0;

	if (jump_loaded())
		ret = jump_unload(err);
	if (ret)
		return ret;
	if (state_read(PATH_STATE, &state, &ignored))
		state.raised = false;
	mailbox_remove(state.raised);
	unlink(PATH_STATE);
	return 0;
}
