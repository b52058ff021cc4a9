/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernel B must know about the running system, from /proc and /sys.
 */
#include "kjump/load/gather.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "image/format.h"
#include "kjump/load/fill.h"
#include "kjump/paths.h"
#include "memory/core.h"
#include "memory/memory.h"
#include "memory/platform.h"
#include "memory/symbols.h"
#include "memory/vmcoreinfo.h"
#include "text/cmdline.h"
#include "text/files.h"

static int gather_ram(struct handoff *ret, struct runs *ram, struct error *err)
{
	int status = memory_system_ram(PATH_IOMEM, ram, err);

	if (status)
		return status;
	if (ram->n > HANDOFF_RAM_MAX)
		return error_set(err, E2BIG, "%s: more than %d ranges of RAM", PATH_IOMEM,
				 HANDOFF_RAM_MAX);
	memcpy(ret->ram, ram->v, ram->n * sizeof(*ram->v));
	ret->ram_count = (uint32_t)ram->n;
	return 0;
}

static int gather_firmware(struct handoff *ret, struct error *err)
{
	struct firmware_range *ranges = NULL;
	size_t count;
	int status = memory_firmware_map(PATH_FIRMWARE_MAP, &ranges, &count, err);

	if (status)
		return status;
	if (count > HANDOFF_FIRMWARE_MAX) {
		status = error_set(err, E2BIG, "%s: more than %d ranges", PATH_FIRMWARE_MAP,
				   HANDOFF_FIRMWARE_MAX);
	} else {
		memcpy(ret->firmware, ranges, count * sizeof(*ranges));
		ret->firmware_count = (uint32_t)count;
	}
	free(ranges);
	return status;
}

/* Without it B finds no free pages and saves them all: slower, not wrong. */
static void gather_vmcoreinfo(struct handoff *ret)
{
	struct error err = { 0 };
	struct core core = { 0 };

	if (vmcoreinfo_address(PATH_VMCOREINFO, &ret->vmcoreinfo_address, &err))
		ret->vmcoreinfo_address = 0;
	/* From /proc/kcore: the note in memory cannot be read under STRICT_DEVMEM. */
	if (core_vmcoreinfo(PATH_KCORE, &core, &err))
		return;
	if (core.vmcoreinfo_size < sizeof(ret->vmcoreinfo)) {
		memcpy(ret->vmcoreinfo, core.vmcoreinfo, core.vmcoreinfo_size);
		ret->vmcoreinfo_size = (uint32_t)core.vmcoreinfo_size;
	}
	core_free(&core);
}

/* Kernels that load their own GDT after a jump back: 6.6.66, 6.12.5, 6.13. */
static bool restores_gdt(const char *release)
{
	unsigned major = 0, minor = 0, patch = 0;

	if (sscanf(release, "%u.%u.%u", &major, &minor, &patch) < 2)
		return false;
	if (major != 6)
		return major > 6;
	if (minor == 6)
		return patch >= 66;
	return minor > 12 || (minor == 12 && patch >= 5);
}

static void gather_saved_context(struct handoff *ret)
{
	struct error err = { 0 };

	if (!memory_symbol_physical(PATH_KALLSYMS, PATH_IOMEM, "saved_context", &ret->saved_context,
				    &err))
		return;
	ret->saved_context = 0;
	if (!restores_gdt(ret->release))
		message("%s; kernel %s may not survive the jump back", err.text, ret->release);
}

/* Without it B cannot compare the list of RAM with the kernel's own. */
static void gather_resources(struct handoff *ret)
{
	struct error ignored = { 0 };

	if (memory_symbol_virtual(PATH_KALLSYMS, "iomem_resource", &ret->iomem_resource, &ignored))
		ret->iomem_resource = 0;
}

static int gather_system(struct handoff *ret, struct error *err)
{
	struct utsname system;

	if (uname(&system))
		return error_errno(err, "uname");
	snprintf(ret->release, sizeof(ret->release), "%s", system.release);
	snprintf(ret->build, sizeof(ret->build), "%s", system.version);
	return 0;
}

static int gather_fill(struct handoff *ret, struct error *err)
{
	char cmdline[CMDLINE_READ_SIZE], plain[160];
	char *kconfig;
	int status = file_read(PATH_CMDLINE, cmdline, sizeof(cmdline), err);

	if (status)
		return status;
	snprintf(plain, sizeof(plain), "%s/config-%s", PATH_BOOT, ret->release);
	kconfig = fill_kconfig(PATH_KCONFIG_GZ, plain);
	ret->fill = fill_policy(cmdline, kconfig);
	free(kconfig);
	return 0;
}

int gather_handoff(const struct mailbox_page *page, struct handoff *ret, struct runs *ram,
		   struct error *err)
{
	int status;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->nonce, page->mailbox->nonce, sizeof(ret->nonce));
	ret->mailbox_pfn = page->pfn;
	status = gather_system(ret, err);
	if (!status)
		status = gather_ram(ret, ram, err);
	if (!status)
		status = gather_firmware(ret, err);
	if (!status)
		status = gather_fill(ret, err);
	if (!status)
		status = platform_describe(ret, err);
	if (status)
		return status;
	gather_vmcoreinfo(ret);
	gather_saved_context(ret);
	gather_resources(ret);
	return 0;
}

int gather_reserved(const struct reserved *reserved, struct runs *ram, struct handoff *handoff,
		    struct error *err)
{
	if (!reserved->size || reserved->system_ram)
		return 0;
	if (runs_append(ram, reserved->start >> FRAME_SHIFT, reserved->size >> FRAME_SHIFT))
		return error_set(err, ENOMEM, "out of memory");
	runs_sort(ram);
	if (ram->n > HANDOFF_RAM_MAX)
		return error_set(err, E2BIG, "more than %d ranges of RAM", HANDOFF_RAM_MAX);
	memcpy(handoff->ram, ram->v, ram->n * sizeof(*ram->v));
	handoff->ram_count = (uint32_t)ram->n;
	return 0;
}
