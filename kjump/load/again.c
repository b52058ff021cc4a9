/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel B's memory outlives A: it is loaded as it was, if the machine is what it was.
 */
#include "kjump/load/again.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "kjump/kept/copy.h"
#include "kjump/kept/file.h"
#include "kjump/kept/machine.h"
#include "kjump/load/ballast.h"
#include "kjump/load/gather.h"
#include "kjump/paths.h"
#include "text/files.h"

int again_identify(const struct jump_kernel *kernel, const void *initramfs, size_t size,
		   unsigned cpus, struct state *state, struct error *err)
{
	struct kept_identity *identity = &state->identity;

	*identity = (struct kept_identity){
		.kernel = XXH3_64bits(kernel->bytes, kernel->size),
		.initramfs = XXH3_64bits(initramfs, size),
		.cpus = cpus,
	};
	return kept_machine_read(PATH_SYS, identity, err);
}

/* --- whether --- */

static int compare(const struct kept_file *file, const struct state *state, struct error *err)
{
	const char *difference = kept_difference(&file->head.identity, &state->identity);

	return difference ? error_set(err, ESTALE, "%s", difference) : 0;
}

/* As large as it needs to be for what is asked for now, where it was. */
static int check_place(const struct again *again, const struct kept_identity *identity,
		       const struct runs *ram, struct reserved *reserved, struct error *err)
{
	const struct choice *choice = again->choice;
	const uint64_t size = identity->home_size;
	uint64_t needed = choice->home ? choice->home : home_needed(again->needs, choice->level);
	int ret = reserved_find(again->paths, needed, reserved, err);

	if (ret)
		return ret;
	if (!reserved->size != !(identity->flags & KEPT_RESERVED))
		return error_set(err, ESTALE, "memory for kernel B %s reserved at boot",
				 reserved->size ? "is now" : "is no longer");
	if (reserved->size) {
		if (reserved->start != identity->home_start || reserved->size != size)
			return error_set(err, ESTALE, "other memory was reserved at boot");
	} else if (size < needed || (choice->home && size != needed)) {
		return error_set(err, ESTALE, "kernel B's home is to have another size");
	} else if (size > runs_total(ram) * FRAME_SIZE / 2) {
		return error_set(err, ESTALE, "its home is more than half of the RAM");
	} else {
		ret = jump_place_check(ram, again->avoid, PATH_KPAGEFLAGS, identity->home_start,
				       size, err);
	}
	return ret ? ret : home_check(size, home_level(again->needs, size), choice->level, err);
}

/* --- how --- */

static void *take_memory(uint64_t size)
{
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return bytes == MAP_FAILED ? NULL : bytes;
}

static int read_memory(const struct kept_file *file, struct jump_again *ret, struct error *err)
{
	const struct kept_identity *identity = &file->head.identity;
	struct kept_place places[2];

	ret->home_start = identity->home_start;
	ret->home_size = identity->home_size;
	ret->home = take_memory(ret->home_size);
	ret->low = take_memory(JUMP_LOW_SIZE);
	if (!ret->home || !ret->low)
		return error_set(err, ENOMEM, "out of memory");
	places[0] = (struct kept_place){ ret->home_start >> FRAME_SHIFT,
					 ret->home_size >> FRAME_SHIFT, ret->home };
	places[1] = (struct kept_place){ 0, JUMP_LOW_SIZE >> FRAME_SHIFT, ret->low };
	return kept_read(file, places, 2, (unsigned)sysconf(_SC_NPROCESSORS_ONLN), err);
}

/* Free frames in its place would make kexec search for each page that it allocates there. */
static int load_memory(const struct jump_again *again, bool reserved, struct error *err)
{
	struct ballast ballast = { 0 };
	int ret;

	if (again->backend == &jump_kexec && !reserved) {
		ballast_take(&ballast, PATH_MEMINFO, again->home_size);
		ballast_trim(&ballast, PATH_PAGEMAP, again->home_start, again->home_size);
	}
	ret = jump_load_again(again, err);
	ballast_drop(&ballast);
	return ret;
}

static int load_file(const struct again *again, const struct kept_file *file, bool reserved,
		     struct error *err)
{
	struct jump_again memory = { .backend = again->load->backend,
				     .handoff = again->load->handoff };
	int ret = read_memory(file, &memory, err);

	if (!ret)
		ret = jump_again_check(&memory, again->load->cmdline, err);
	if (!ret)
		ret = load_memory(&memory, reserved, err);
	if (memory.home)
		munmap(memory.home, memory.home_size);
	if (memory.low)
		munmap(memory.low, JUMP_LOW_SIZE);
	return ret;
}

/* Of a file whose kernel B was entered and has not come back nobody will hear again. */
static int check_tried(struct error *err)
{
	if (access(PATH_KEPT_TRIED, F_OK))
		return 0;
	again_discard();
	return error_set(err, ESTALE, "kernel B was taken from it and did not answer");
}

bool again_home(const struct choice *choice, struct run *ret)
{
	struct kept_file file = { .fd = -1 };
	struct error ignored;

	if (choice->always_boot || access(PATH_KEPT_TRIED, F_OK) == 0 ||
	    kept_open(PATH_KEPT, &file, &ignored))
		return false;
	*ret = (struct run){ file.head.identity.home_start >> FRAME_SHIFT,
			     file.head.identity.home_size >> FRAME_SHIFT };
	kept_close(&file);
	return true;
}

int again_load(const struct again *again, const struct state *state, struct runs *ram,
	       struct reserved *reserved, struct error *err)
{
	struct kept_file file = { .fd = -1 };
	int ret = check_tried(err);

	if (ret)
		return error_prefix(err, "%s", PATH_KEPT);
	ret = kept_open(PATH_KEPT, &file, err);
	if (ret == -ENOENT)
		return error_set(err, ENOENT, "there is no %s yet", PATH_KEPT);
	if (ret)
		return ret;
	ret = compare(&file, state, err);
	if (!ret)
		ret = check_place(again, &file.head.identity, ram, reserved, err);
	if (!ret)
		ret = gather_reserved(reserved, ram, again->load->handoff, err);
	if (!ret)
		ret = load_file(again, &file, reserved->size, err);
	if (!ret) {
		again->load->home_start = file.head.identity.home_start;
		again->load->home_size = file.head.identity.home_size;
		again->load->reserved = reserved->size;
	}
	kept_close(&file);
	return ret ? error_prefix(err, "%s", PATH_KEPT) : 0;
}

/* --- the marker --- */

static int flush_directory(struct error *err)
{
	int fd = open(PATH_LIB, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = 0;

	if (fd < 0 || fsync(fd))
		ret = error_errno(err, PATH_LIB);
	if (fd >= 0)
		close(fd);
	return ret;
}

int again_mark(struct error *err)
{
	int fd = open(PATH_KEPT_TRIED, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), ret = 0;

	if (fd < 0)
		return error_errno(err, PATH_KEPT_TRIED);
	if (fsync(fd))
		ret = error_errno(err, PATH_KEPT_TRIED);
	close(fd);
	return ret ? ret : flush_directory(err);
}

void again_unmark(void)
{
	unlink(PATH_KEPT_TRIED);
}

void again_discard(void)
{
	struct error ignored;

	/* The file first: without it the marker means nothing. */
	unlink(PATH_KEPT);
	flush_directory(&ignored);
	unlink(PATH_KEPT_TRIED);
}

/* --- the file --- */

int again_keep(const struct state *state, uint64_t *size, struct error *err)
{
	const struct kept_paths paths = { PATH_KCORE, PATH_IOMEM, PATH_MEM };
	struct kept_identity identity = state->identity;
	const char *difference;
	int ret = kept_machine_read(PATH_SYS, &identity, err);

	if (ret)
		return ret;
	difference = kept_difference(&state->identity, &identity);
	if (difference)
		return error_set(err, ESTALE, "%s than when kernel B was loaded", difference);
	if (!state->kexec_list)
		return error_set(err, ENOENT, "where kernel B's memory lies is not known");
	file_make_folders(PATH_KEPT);
	identity.home_start = state->home_start;
	identity.home_size = state->home_size;
	identity.flags = state->reserved ? KEPT_RESERVED : 0;
	return kept_copy(&paths, state->kexec_list, &identity, PATH_KEPT, size, err);
}
