/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/hardware.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WARNINGS_MAX  4
#define CLASS_STORAGE 0x01
#define FORCE	      " (rd.kjump.force=devices restores all the same)"

/* --- PCI ------------------------------------------------------------------------------------ */

static bool same_address(const struct pci_record *a, const struct pci_record *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->device == b->device &&
	       a->function == b->function;
}

static const struct pci_record *find_function(const struct devices *here,
					      const struct pci_record *was)
{
	for (size_t i = 0; i < here->pci_count; i++)
		if (same_address(&here->pci[i], was))
			return &here->pci[i];
	return NULL;
}

static bool same_function(const struct pci_record *was, const struct pci_record *is)
{
	return was->vendor == is->vendor && was->id == is->id && was->subvendor == is->subvendor &&
	       was->subid == is->subid && was->class >> 8 == is->class >> 8;
}

struct address {
	char text[32];
};

static struct address address_of(const struct pci_record *record)
{
	struct address ret;

	snprintf(ret.text, sizeof(ret.text), "%04x:%02x:%02x.%x", record->domain, record->bus,
		 record->device, record->function);
	return ret;
}

/* Is the disk connected to the function, or to what is behind it? */
static bool is_behind(const struct disk_record *disk, const struct pci_record *function)
{
	const struct address address = address_of(function);
	size_t length = strlen(address.text);

	return !strncmp(disk->place, address.text, length) &&
	       (disk->place[length] == '/' || !disk->place[length]);
}

static bool carries_disks(const struct image_index *index, const struct pci_record *function)
{
	for (size_t i = 0; i < index->disk_count; i++)
		if (index->disks[i].flags && is_behind(&index->disks[i], function))
			return true;
	return false;
}

/* "1af4:1042 class 010000" */
static void describe_function(const struct pci_record *record, char *text, size_t size)
{
	snprintf(text, size, "%04x:%04x (%04x:%04x) class %06x", record->vendor, record->id,
		 record->subvendor, record->subid, record->class >> 8);
}

static int other_function(const struct pci_record *was, const struct pci_record *is,
			  const char *end, struct error *err)
{
	char before[64], now[64];

	describe_function(was, before, sizeof(before));
	describe_function(is, now, sizeof(now));
	return error_set(err, ENODEV, "PCI device %s (%s) is another one: was %s, is %s%s",
			 address_of(was).text, was->driver, before, now, end);
}

static int same_controllers(const struct image_index *index, const struct devices *here,
			    struct error *err)
{
	for (size_t i = 0; i < index->pci_count; i++) {
		const struct pci_record *was = &index->pci[i], *is = find_function(here, was);

		if (!is || same_function(was, is))
			continue;
		if (was->class >> 24 == CLASS_STORAGE || is->class >> 24 == CLASS_STORAGE ||
		    carries_disks(index, was))
			return other_function(was, is, FORCE, err);
	}
	return 0;
}

/* --- disks ---------------------------------------------------------------------------------- */

/*
 * Behind SAS expanders and Fibre Channel switches the drivers know disks by their names in the
 * network, and number them in the order of discovery: their place is the controller.
 */
static bool is_networked(const struct disk_record *disk)
{
	return disk->serial[0] &&
	       (strstr(disk->place, "/rport-") || strstr(disk->place, "/end_device-"));
}

static bool same_serial(const struct disk_record *a, const struct disk_record *b)
{
	return a->serial[0] && !strcmp(a->serial, b->serial);
}

static bool same_controller(const struct disk_record *a, const struct disk_record *b)
{
	size_t length = strcspn(a->place, "/");

	return length == strcspn(b->place, "/") && !strncmp(a->place, b->place, length);
}

/* Are the texts of the same kind ("wwid ...", "UUID=...") and different? */
static bool contradict(const char *was, const char *is, const char *end_of_kind)
{
	size_t kind = strcspn(was, end_of_kind);

	return was[0] && is[0] && kind == strcspn(is, end_of_kind) && !strncmp(was, is, kind) &&
	       strcmp(was, is);
}

/* In what the disks differ; NULL when they are the same. */
static const char *difference(const struct disk_record *was, const struct disk_record *is,
			      char *text, size_t size)
{
	if (contradict(was->serial, is->serial, " "))
		snprintf(text, size, "was %.50s, is %.50s", was->serial, is->serial);
	else if (was->size != is->size)
		snprintf(text, size, "had %" PRIu64 " bytes, has %" PRIu64, was->size, is->size);
	else if (was->flags && contradict(was->content, is->content, "="))
		snprintf(text, size, "held %.50s, holds %.50s", was->content, is->content);
	else
		return NULL;
	return text;
}

/*
 * What is where the disk was, or NULL. Buses are possible of which a place tells too little: of
 * several disks there, it is the one that is the same.
 */
static const struct disk_record *find_there(const struct devices *here,
					    const struct disk_record *was)
{
	const struct disk_record *found = NULL;
	char text[160];

	for (size_t i = 0; i < here->disk_count; i++) {
		const struct disk_record *is = &here->disks[i];
		bool there = is_networked(was) ? same_serial(was, is) && same_controller(was, is)
					       : !strcmp(was->place, is->place);

		if (there && !difference(was, is, text, sizeof(text)))
			return is;
		if (there && !found)
			found = is;
	}
	return found;
}

/* Where it is now, if anywhere: what has the same serial number, or at least the same content. */
static const struct disk_record *find_elsewhere(const struct devices *here,
						const struct disk_record *was)
{
	char text[160];

	for (size_t i = 0; i < here->disk_count; i++) {
		const struct disk_record *is = &here->disks[i];
		bool same = was->serial[0] ? same_serial(was, is)
					   : was->content[0] && !strcmp(was->content, is->content);

		if (same && strcmp(was->place, is->place) &&
		    !difference(was, is, text, sizeof(text)))
			return is;
	}
	return NULL;
}

/* "; it is at PLACE now" */
static const char *moved(const struct devices *here, const struct disk_record *was, char *text,
			 size_t size)
{
	const struct disk_record *elsewhere = find_elsewhere(here, was);

	*text = '\0';
	if (elsewhere)
		snprintf(text, size, "; it is at %.60s now", elsewhere->place);
	return text;
}

static int same_disks(const struct image_index *index, const struct devices *here,
		      struct error *err)
{
	char what[160], where[96];

	for (size_t i = 0; i < index->disk_count; i++) {
		const struct disk_record *was = &index->disks[i], *is = find_there(here, was);

		if (is && difference(was, is, what, sizeof(what)))
			return error_set(err, ENODEV, "disk %s at %.60s is another one: %s%s" FORCE,
					 was->name, was->place, what,
					 moved(here, was, where, sizeof(where)));
	}
	return 0;
}

/* Can this kernel have the disk, with the drivers that it has? */
static bool is_within_reach(const struct devices *here, const struct disk_record *disk)
{
	if (strstr(disk->place, "/usb/") || strstr(disk->place, "/session/"))
		return false;
	for (size_t i = 0; i < here->pci_count; i++)
		if (is_behind(disk, &here->pci[i]))
			return here->pci[i].driver[0];
	return true;
}

int hardware_same(const struct image_index *index, const struct devices *here, struct error *err)
{
	int rc = same_controllers(index, here, err);

	return rc ? rc : same_disks(index, here, err);
}

int hardware_there(const struct image_index *index, const struct devices *here, struct error *err)
{
	char where[96];

	for (size_t i = 0; i < index->disk_count; i++) {
		const struct disk_record *was = &index->disks[i];

		if (was->flags && !find_there(here, was) && is_within_reach(here, was))
			return error_set(
				err, ENODEV,
				"disk %s (%.60s, %" PRIu64
				" bytes) is not there, it was at %.60s%s" FORCE,
				was->name, was->serial[0] ? was->serial : "no serial number",
				was->size, was->place, moved(here, was, where, sizeof(where)));
	}
	return 0;
}

/* --- warnings ------------------------------------------------------------------------------- */

static void warn(size_t *count, const char *text)
{
	if ((*count)++ < WARNINGS_MAX)
		message("warning: %s; going on", text);
}

static bool moved_bar(const struct pci_record *was, const struct pci_record *is, struct error *err)
{
	for (int i = 0; i < PCI_BARS; i++) {
		if (was->bars[i].start == is->bars[i].start &&
		    was->bars[i].size == is->bars[i].size)
			continue;
		error_set(err, ENODEV,
			  "PCI device %s (%s): BAR %d was at %#" PRIx64 " (%#" PRIx64
			  " bytes), is at %#" PRIx64 " (%#" PRIx64 ")",
			  address_of(was).text, was->driver, i, was->bars[i].start,
			  was->bars[i].size, is->bars[i].start, is->bars[i].size);
		return true;
	}
	return false;
}

static void warn_function(const struct pci_record *was, const struct pci_record *is, size_t *count)
{
	struct error err = { 0 };

	if (!is)
		error_set(&err, ENODEV, "PCI device %s (%s) is not there", address_of(was).text,
			  was->driver);
	else if (!same_function(was, is))
		other_function(was, is, "", &err);
	else if (was->class != is->class)
		error_set(&err, ENODEV, "PCI device %s (%s): revision was %#x, is %#x",
			  address_of(was).text, was->driver, was->class & 0xff, is->class & 0xff);
	else if (!moved_bar(was, is, &err))
		return;
	warn(count, err.text);
}

size_t hardware_warn(const struct image_index *index, const struct devices *here)
{
	struct error err = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < index->pci_count; i++)
		warn_function(&index->pci[i], find_function(here, &index->pci[i]), &count);
	for (size_t i = 0; i < index->disk_count; i++) {
		const struct disk_record *was = &index->disks[i];

		if (find_there(here, was))
			continue;
		error_set(&err, ENODEV, "disk %s at %.80s: %s", was->name, was->place,
			  is_within_reach(here, was) ? "not there" : "this kernel cannot have it");
		warn(&count, err.text);
	}
	if (count > WARNINGS_MAX)
		message("warning: %zu more devices differ; going on", count - WARNINGS_MAX);
	return count;
}
