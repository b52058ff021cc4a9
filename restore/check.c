/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State, machine and fingerprint checks. */
#include "restore/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/runs.h"
#include "disk/fingerprint.h"
#include "memory/memory.h"
#include "restore/cpu.h"

/* --- state ---------------------------------------------------------------------------------- */

static enum exit_code refuse(struct error *err, enum exit_code code, const char *why)
{
	error_set(err, code == EXIT_NO_IMAGE ? ENOENT : EPERM, "%s", why);
	return code;
}

enum exit_code check_state(const struct image_super *super, bool again, struct error *err)
{
	switch (super->state) {
	case IMAGE_EMPTY:
		return refuse(err, EXIT_NO_IMAGE, "no image on it");
	case IMAGE_RESTORED:
		return refuse(err, EXIT_NO_IMAGE, "its image was restored already");
	case IMAGE_STALE:
		error_set(err, ENOENT, "its image is stale: %.*s", (int)sizeof(super->reason),
			  super->reason);
		return EXIT_NO_IMAGE;
	case IMAGE_VALID:
	case IMAGE_HANDED_OVER:
		break;
	default:
		error_set(err, EUCLEAN, "unknown state %" PRIu32 " of the image", super->state);
		return EXIT_FAILED;
	}
	if (super->kind != IMAGE_HIBERNATION) {
		error_set(err, ENOENT, "it holds a %s, which is never restored",
			  image_kind_name(super->kind));
		return EXIT_NO_IMAGE;
	}
	if (again)
		return EXIT_DONE;
	if (super->state == IMAGE_HANDED_OVER)
		return refuse(err, EXIT_HANDED_OVER,
			      "image was handed over once and never came back; rd.kjump.again "
			      "(--again) restores it once more");
	if (super->attempts >= CHECK_ATTEMPTS)
		return refuse(err, EXIT_FAILED,
			      "two attempts failed; use --again (rd.kjump.again at boot)");
	return EXIT_DONE;
}

/* --- processor and firmware ----------------------------------------------------------------- */

int check_platform(const struct image_machine *machine, const struct platform *here,
		   struct error *err)
{
	int rc = cpu_check(machine, here, err);

	if (!rc && here->encrypted[0])
		return error_set(err, ENODEV,
				 "memory is encrypted in this boot (%s), with keys that the saved "
				 "kernel does not have",
				 here->encrypted);
	if (!rc && machine->facs_signature && here->facs_signature &&
	    machine->facs_signature != here->facs_signature)
		message("warning: the firmware says that its hardware changed: ACPI FACS signature "
			"was %#x, is %#x; going on",
			machine->facs_signature, here->facs_signature);
	return rc;
}

/* --- firmware memory map -------------------------------------------------------------------- */

/* Does the map say TYPE for all bytes of RANGE? */
static bool same_type(const struct firmware_range *map, size_t count,
		      const struct firmware_range *range)
{
	uint64_t at = range->start, end = memory_range_end(range);

	for (size_t i = 0; i < count && at < end; i++) {
		if (memory_range_end(&map[i]) <= at)
			continue;
		if (map[i].start > at || map[i].type != range->type)
			return false;
		at = memory_range_end(&map[i]);
	}
	return at >= end;
}

/* A's RAM is below 2^52 frames less one here: check_memory() found all of it in the map. */
static bool overlaps(const struct runs *ram, const struct firmware_range *range)
{
	for (size_t i = 0; i < ram->n; i++) {
		uint64_t start = ram->v[i].pfn << FRAME_SHIFT;

		if (range->start < start + (ram->v[i].count << FRAME_SHIFT) &&
		    start < memory_range_end(range))
			return true;
	}
	return false;
}

static int moved(const struct firmware_range *range, const char *what, struct error *err)
{
	return error_set(err, ENODEV,
			 "firmware memory map changed at %#" PRIx64 "-%#" PRIx64 " (type %" PRIu32
			 "), %s",
			 range->start, memory_range_end(range) - 1, range->type, what);
}

/*
 * A range that A's firmware had for itself and that is something else now. What is in A's RAM list
 * was looked at: its ACPI tables are in there when they were saved.
 */
static int check_moved(const struct image_index *index, const struct firmware_range *range,
		       struct error *err)
{
	bool in_ram = overlaps(&index->ram, range);

	if (range->type == FIRMWARE_ACPI && in_ram)
		return 0;
	if (range->type == FIRMWARE_ACPI)
		return moved(range, "where the saved kernel has its ACPI tables", err);
	if (range->type == FIRMWARE_NVS)
		return moved(range, "which the saved kernel shares with the firmware", err);
	if (in_ram)
		return moved(range, "where the saved kernel has RAM", err);
	return 1;
}

static int check_recorded(const struct image_index *index, const struct firmware_range *here,
			  size_t count, struct error *err)
{
	bool said = false;

	for (size_t i = 0; i < index->firmware_count; i++) {
		const struct firmware_range *range = &index->firmware[i];
		int rc;

		if (range->type < FIRMWARE_RESERVED || range->type > FIRMWARE_NVS || !range->size ||
		    same_type(here, count, range))
			continue;
		rc = check_moved(index, range, err);
		if (rc < 0)
			return rc;
		if (rc && !said)
			message("warning: firmware memory map differs at %#" PRIx64 "-%#" PRIx64
				" (was type %" PRIu32 ", no RAM of the saved kernel); going on",
				range->start, memory_range_end(range) - 1, range->type);
		said |= rc;
	}
	return 0;
}

/* Are all of A's ACPI tables in the image? */
static int tables_saved(const struct image_index *index, bool *ret)
{
	struct runs tables = { 0 }, outside = { 0 };
	int rc = memory_firmware_acpi(index->firmware, index->firmware_count, &tables);

	if (!rc)
		rc = runs_subtract(&tables, &index->ram, &outside);
	*ret = !outside.n;
	runs_free(&tables);
	runs_free(&outside);
	return rc;
}

/*
 * Frames that may be written to: RAM, and ACPI tables, as this kernel's are of no use to an A that
 * gets its own back. (One that does not may depend on these.)
 */
static int writable(const struct image_index *index, const struct firmware_range *here,
		    size_t count, struct runs *ret)
{
	bool saved = false;
	int rc = tables_saved(index, &saved);

	if (!rc)
		rc = memory_firmware_ram(here, count, ret);
	if (!rc && saved)
		rc = memory_firmware_acpi(here, count, ret);
	runs_sort(ret);
	return rc;
}

int check_memory(const struct image_index *index, const struct firmware_range *here, size_t count,
		 struct error *err)
{
	struct runs ram = { 0 }, gone = { 0 };
	int rc = writable(index, here, count, &ram);

	if (!rc)
		rc = runs_subtract(&index->ram, &ram, &gone);
	if (rc)
		error_set(err, -rc, "firmware memory map: %s", strerror(-rc));
	else if (gone.n)
		rc = error_set(err, ENODEV,
			       "RAM of the saved kernel at %#" PRIx64 "-%#" PRIx64
			       " is no RAM in this boot's firmware map",
			       gone.v[0].pfn << FRAME_SHIFT,
			       ((gone.v[0].pfn + gone.v[0].count) << FRAME_SHIFT) - 1);
	else
		rc = check_recorded(index, here, count, err);
	runs_free(&ram);
	runs_free(&gone);
	return rc;
}

/* --- EFI runtime map ------------------------------------------------------------------------ */

static const struct efi_range *find_efi(const struct efi_range *map, size_t count,
					uint64_t physical)
{
	for (size_t i = 0; i < count; i++)
		if (map[i].physical == physical)
			return &map[i];
	return NULL;
}

/* In what IS, which may be NULL, differs from WAS; false when it does not. */
static bool efi_difference(const struct efi_range *was, const struct efi_range *is, char *text,
			   size_t size)
{
	if (!is)
		snprintf(text, size, "is not there any more");
	else if (was->type != is->type)
		snprintf(text, size, "is of type %" PRIu32 " now", is->type);
	else if (was->pages != is->pages)
		snprintf(text, size, "has %" PRIu64 " pages now", is->pages);
	else if (was->virtual != is->virtual)
		snprintf(text, size, "was mapped at %#" PRIx64 ", is at %#" PRIx64, was->virtual,
			 is->virtual);
	else if (was->attribute != is->attribute)
		snprintf(text, size, "had attribute %#" PRIx64 ", has %#" PRIx64, was->attribute,
			 is->attribute);
	else
		return false;
	return true;
}

static int efi_differs(const struct efi_range *range, const char *what, struct error *err)
{
	return error_set(err, ENODEV,
			 "EFI runtime map: %#" PRIx64 " (type %" PRIu32 ", %" PRIu64
			 " pages) %s (rd.kjump.force=efi restores all the same)",
			 range->physical, range->type, range->pages, what);
}

int check_efi(const struct image_index *index, uint64_t digest, const struct efi_range *here,
	      size_t count, struct error *err)
{
	char what[128];

	if (!index->machine.efi_runtime_digest || index->machine.efi_runtime_digest == digest)
		return 0;
	if (!digest)
		return error_set(err, ENODEV,
				 "saved kernel used EFI runtime services, this boot has no EFI "
				 "runtime map (rd.kjump.force=efi restores all the same)");
	for (size_t i = 0; i < index->efi_count; i++) {
		const struct efi_range *was = &index->efi[i];

		if (efi_difference(was, find_efi(here, count, was->physical), what, sizeof(what)))
			return efi_differs(was, what, err);
	}
	for (size_t i = 0; i < count && index->efi_count; i++)
		if (!find_efi(index->efi, index->efi_count, here[i].physical))
			return efi_differs(&here[i], "was not there before", err);
	return error_set(err, ENODEV,
			 "EFI runtime map differs from the saved kernel's "
			 "(rd.kjump.force=efi restores all the same)");
}

/* --- fingerprints --------------------------------------------------------------------------- */

static int check_fingerprint(struct fingerprint *fingerprint, const struct image_watch *watch,
			     struct waiting *waiting, struct error *err)
{
	uint64_t hash = 0;
	int rc;

	while ((rc = fingerprint_hash(fingerprint, &watch->extent, &hash, err)) == -ENODEV)
		if (!waiting_goes_on(waiting, err))
			break;
	if (!rc && hash != watch->xxh3)
		rc = error_set(err, ESTALE, "file system or swap area on %.*s changed",
			       (int)sizeof(watch->extent.tag), watch->extent.tag);
	return rc;
}

int check_fingerprints(const struct image_index *index, struct waiting *waiting, struct error *err)
{
	struct fingerprint fingerprint = { .tag = "" };
	int rc = 0;

	for (size_t i = 0; i < index->watch_count && !rc; i++)
		rc = check_fingerprint(&fingerprint, &index->watch[i], waiting, err);
	fingerprint_end(&fingerprint);
	return rc;
}
