/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel B in A's memory.
 */
#include "kjump/load/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/tsc.h"
#include "jump/jump.h"
#include "kjump/load/again.h"
#include "kjump/load/ballast.h"
#include "kjump/load/choice.h"
#include "kjump/load/gather.h"
#include "kjump/load/home.h"
#include "kjump/load/initramfs-map.h"
#include "kjump/load/memory-map.h"
#include "kjump/load/reserved.h"
#include "kjump/load/scratch.h"
#include "kjump/paths.h"
#include "memory/kexec-list.h"
#include "memory/memory.h"

int loader_lock(struct error *err)
{
	int fd, ret;

	if (geteuid() != 0)
		return error_set(err, EPERM, "only root may do this");
	ret = paths_make_run(err);
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

static struct home_load home_load(const struct choice *choice, const struct jump_load *load,
				  const struct runs *ram)
{
	return (struct home_load){ load->kernel,
				   load->initramfs_size,
				   choice->cpus,
				   runs_total(ram) * FRAME_SIZE,
				   home_iommus(PATH_CLASS_IOMMU),
				   choice->home_more };
}

static const struct reserved_paths running = { PATH_CMDLINE, PATH_IOMEM, PATH_FIRMWARE_MAP,
					       PATH_CRASH_LOADED };

int loader_is_current(const struct loader *loader, struct error *err)
{
	return memory_map_check(&running, &loader->state, err);
}

/* Where the home goes: LOAD->home_start and the rest, and *RESERVED when that was set at boot. */
static int place(const struct choice *choice, const struct runs *avoid, const struct runs *ram,
		 struct ballast *ballast, struct jump_load *load, struct reserved *reserved,
		 struct error *err)
{
	const struct home_load needs = home_load(choice, load, ram);
	struct runs movable = { 0 };
	int ret;

	load->home_size = choice->home;
	if (!load->home_size)
		load->home_size = home_needed(&needs, choice->level);
	ret = reserved_find(&running, load->home_size, reserved, err);
	if (ret)
		return ret;
	if (reserved->size) {
		load->reserved = true;
		load->home_start = reserved->start;
		load->home_size = reserved->size;
	}
	ret = home_check(load->home_size, home_level(&needs, load->home_size), choice->level, err);
	if (ret || reserved->size)
		return ret;
	/* The kernel's own rule, of which it says no more than "Invalid argument". */
	if (load->home_size > runs_total(ram) * FRAME_SIZE / 2)
		return error_set(err, EFBIG,
				 "kernel B needs %" PRIu64 " MiB, more than half of the RAM",
				 load->home_size >> 20);
	if (ballast)
		ballast_take(ballast, PATH_MEMINFO, load->home_size);
	scratch_read(PATH_SCRATCH, &movable);
	ret = jump_place(ram, avoid, &movable, PATH_KPAGEFLAGS, load->home_size, &load->home_start,
			 err);
	runs_free(&movable);
	if (!ret && ballast)
		ballast_trim(ballast, PATH_PAGEMAP, load->home_start, load->home_size);
	return ret;
}

/* The kernel itself, which boots at the first jump. */
static int place_and_boot(const struct choice *choice, const struct runs *avoid, struct runs *ram,
			  struct jump_load *load, struct reserved *reserved, struct error *err)
{
	struct ballast ballast = { 0 };
	int ret = place(choice, avoid, ram, &ballast, load, reserved, err);

	if (!ret)
		ret = gather_reserved(reserved, ram, load->handoff, err);
	if (!ret)
		ret = jump_load(load, err);
	ballast_drop(&ballast);
	return ret;
}

/* That there is no file yet, or shall be none, is no news. */
static bool put_back(const struct choice *choice, const struct again *again, struct runs *ram,
		     struct reserved *reserved, struct state *state)
{
	struct error err = { 0 };

	/* Of what cannot be told apart from another one nothing is kept, nor put back. */
	if (!state->identity.kernel) {
		state->kept = true;
		return false;
	}
	if (choice->always_boot) {
		snprintf(state->why, sizeof(state->why), "the settings say so");
		return false;
	}
	if (again_load(again, state, ram, reserved, &err)) {
		snprintf(state->why, sizeof(state->why), "%s", err.text);
		if (err.code != ENOENT)
			message("%s; kernel B is booted at the next jump", err.text);
		return false;
	}
	return true;
}

static int place_and_load(const struct choice *choice, const struct mailbox_page *page,
			  struct runs *ram, struct jump_load *load, struct state *state,
			  struct error *err)
{
	struct run frames = { page->pfn, MAILBOX_SIZE / FRAME_SIZE };
	struct runs avoid = { .v = &frames, .n = 1 };
	const struct home_load needs = home_load(choice, load, ram);
	const struct again again = { choice, &needs, &avoid, &running, load };
	struct reserved reserved = { 0 };
	int ret = 0;

	state->from_file = put_back(choice, &again, ram, &reserved, state);
	if (!state->from_file)
		ret = place_and_boot(choice, &avoid, ram, load, &reserved, err);
	state->home_start = load->home_start;
	state->home_size = load->home_size;
	state->level = (uint64_t)home_level(&needs, load->home_size);
	state->reserved = load->reserved;
	state->crash = reserved.crash;
	return ret;
}

int loader_place(const struct config *config, struct state *ret, struct error *err)
{
	const struct runs avoid = { 0 };
	struct jump_kernel kernel = { 0 };
	struct initramfs_map initramfs = { 0 };
	struct jump_load load = { .kernel = &kernel };
	struct reserved reserved;
	struct runs ram = { 0 };
	struct choice choice;
	int status;

	status = choice_make(config, &choice, err);
	if (!status)
		status = jump_kernel_read(choice.kernel, &kernel, err);
	if (!status)
		status = initramfs_map(choice.initramfs, &initramfs, err);
	if (!status)
		status = memory_system_ram(PATH_IOMEM, &ram, err);
	load.initramfs_size = initramfs.size;
	if (!status)
		status = place(&choice, &avoid, &ram, NULL, &load, &reserved, err);
	*ret = (struct state){ .home_start = load.home_start,
			       .home_size = load.home_size,
			       .reserved = load.reserved };
	runs_free(&ram);
	initramfs_unmap(&initramfs);
	jump_kernel_free(&kernel);
	return status;
}

/* Without that kernel B can only be booted. */
static void identify(const struct choice *choice, const struct jump_load *load, struct state *state)
{
	struct error err = { 0 };

	if (!again_identify(load->kernel, load->initramfs, load->initramfs_size, choice->cpus,
			    state, &err))
		return;
	memset(&state->identity, 0, sizeof(state->identity));
	snprintf(state->why, sizeof(state->why), "%s", err.text);
	message("%s; kernel B is kept in no file", err.text);
}

static int load_b(const struct choice *choice, struct loader *loader, struct error *err)
{
	const struct mailbox_page *page = &loader->page;
	struct handoff *handoff = malloc(sizeof(*handoff));
	struct jump_kernel kernel = { 0 };
	struct initramfs_map initramfs = { 0 };
	struct runs ram = { 0 };
	struct jump_load load = { .backend = loader->backend,
				  .kernel = &kernel,
				  .cmdline = choice->cmdline,
				  .handoff = handoff };
	int ret;

	if (!handoff) {
		ret = error_set(err, ENOMEM, "out of memory");
		goto out;
	}
	ret = jump_kernel_read(choice->kernel, &kernel, err);
	if (!ret)
		ret = initramfs_map(choice->initramfs, &initramfs, err);
	if (!ret)
		ret = gather_handoff(page, handoff, &ram, err);
	if (ret)
		goto out;
	load.initramfs = initramfs.bytes;
	load.initramfs_size = initramfs.size;
	identify(choice, &load, &loader->state);
	ret = place_and_load(choice, page, &ram, &load, &loader->state, err);
out:
	runs_free(&ram);
	initramfs_unmap(&initramfs);
	jump_kernel_free(&kernel);
	free(handoff);
	return ret;
}

static int home_fits(const struct choice *choice, const struct state *state, struct error *err)
{
	return home_check(state->home_size, (int)state->level, choice->level, err);
}

/* Is what is loaded what CHOICE asks for, with its mailbox at its frame? Opens the mailbox. */
static bool is_warm(const struct choice *choice, struct loader *loader)
{
	const struct state *state = &loader->state;
	struct error ignored = { 0 };

	if (loader_is_current(loader, &ignored))
		return false;
	if (state->digest != choice->digest || home_fits(choice, state, &ignored) ||
	    mailbox_open(&loader->page, &ignored))
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
	struct run home;
	int ret;

	memset(state, 0, sizeof(*state));
	ret = mailbox_create(&loader->page, again_home(choice, &home) ? &home : NULL, err);
	if (ret)
		return ret;
	ret = memory_map_digest(&running, &state->memory_map, err);
	if (!ret)
		ret = load_b(choice, loader, err);
	if (ret)
		goto out;
	state->digest = choice->digest;
	state->mailbox_pfn = loader->page.pfn;
	state->raised = loader->page.raised;
	/* Without it what lies in the home is not found, and a save may be refused for it. */
	if (loader->backend->list
		    ? loader->backend->list(&state->kexec_list, &ignored)
		    : kexec_list_find(PATH_KALLSYMS, PATH_KCORE, &state->kexec_list, &ignored))
		state->kexec_list = 0;
	snprintf(state->jump, sizeof(state->jump), "%s", loader->backend->name);
	memcpy(state->nonce, loader->page.mailbox->nonce, sizeof(state->nonce));
	memcpy(state->kernel, choice->kernel, sizeof(state->kernel));
	memcpy(state->initramfs, choice->initramfs, sizeof(state->initramfs));
	/* What B was told was read in between. */
	ret = loader_is_current(loader, err);
	if (!ret)
		ret = state_write(PATH_STATE, state, err);
	if (ret)
		loader->backend->unload(&ignored);
out:
	if (ret) {
		mailbox_close(&loader->page);
		mailbox_remove(loader->page.raised);
	}
	return ret;
}

/* The mailbox and the record; RECORDED is what is on record, or NULL. */
static void forget(const struct state *recorded)
{
	mailbox_remove(recorded && recorded->raised);
	unlink(PATH_STATE);
}

/* Drop the kernel B on record, which is loaded by whichever back end. */
static int drop_recorded(const struct state *state, struct error *err)
{
	const struct jump_backend *backend = jump_named(state->jump);
	int ret = backend->loaded() ? backend->unload(err) : 0;

	if (!ret)
		forget(state);
	return ret;
}

int loader_ensure(const struct config *config, struct loader *ret, struct error *err)
{
	uint64_t start = tsc_read();
	struct choice choice;
	bool recorded;
	int status;

	memset(ret, 0, sizeof(*ret));
	status = choice_make(config, &choice, err);
	if (status)
		return status;
	ret->backend = jump_choose(config->jump);
	status = state_read(PATH_STATE, &ret->state, err);
	recorded = status == 0;
	if (status == -ENOENT && ret->backend->loaded())
		return error_set(err, EEXIST,
				 "a kernel that kjump did not load is loaded (%s; 'kjump unload' "
				 "drops it)",
				 ret->backend->name);
	status = 0;
	if (recorded && ret->backend == jump_named(ret->state.jump) && ret->backend->loaded()) {
		if (is_warm(&choice, ret))
			return 0;
		/* A home of a given size would be no larger when it is loaded anew. */
		if (choice.home && ret->state.digest == choice.digest)
			status = home_fits(&choice, &ret->state, err);
	}
	if (!status && recorded)
		status = drop_recorded(&ret->state, err);
	else if (!status)
		forget(NULL);
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

	if (!state_read(PATH_STATE, &state, &ignored))
		return drop_recorded(&state, err);
	if (jump_module.loaded())
		ret = jump_module.unload(err);
	if (!ret && jump_kexec.loaded())
		ret = jump_kexec.unload(err);
	if (!ret)
		forget(NULL);
	return ret;
}

/* Was what kexec has now loaded by somebody else since STATE was written? */
static bool is_replaced(const struct state *state)
{
	struct error ignored = { 0 };
	uint64_t list;

	return jump_named(state->jump) == &jump_kexec && state->kexec_list &&
	       !kexec_list_find(PATH_KALLSYMS, PATH_KCORE, &list, &ignored) &&
	       list != state->kexec_list;
}

int loader_drop_own(struct error *err)
{
	struct error ignored = { 0 };
	struct state state;

	if (state_read(PATH_STATE, &state, &ignored)) {
		/* A record that cannot be read is one of ours. */
		if (ignored.code != ENOENT)
			return loader_drop(err);
		forget(NULL);
		return 0;
	}
	if (!is_replaced(&state))
		return drop_recorded(&state, err);
	forget(&state);
	return 0;
}
