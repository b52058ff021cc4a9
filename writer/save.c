/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One save from beginning to end: selection, chunks, index, commit, verification.
 */
#include "writer/save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/tsc.h"
#include "image/restorable.h"
#include "writer/delta.h"
#include "writer/selection.h"
#include "writer/workers.h"

/* A copy of COUNT records in RET; NULL when there are none. */
static int copy_records(const void *records, size_t count, size_t size, void *ret)
{
	void *copy = NULL;

	if (count) {
		copy = malloc(count * size);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, records, count * size);
	}
	memcpy(ret, &copy, sizeof(copy));
	return 0;
}

static struct runs move_runs(struct runs *from)
{
	struct runs runs = *from;

	*from = (struct runs){ 0 };
	return runs;
}

/* All of the index but zero, chunks and data. The lists of PLAN move into it. */
static int fill_index(struct image_index *index, const struct save_job *job,
		      struct selection *selection, struct error *err)
{
	int r;

	index->machine = *job->machine;
	index->machine.stamps[STAMP_SAVE_END] = tsc_read();
	index->ram = move_runs(&selection->ram);
	index->home = move_runs(&selection->home);
	index->free = move_runs(&selection->free);
	index->untouchable = move_runs(&selection->untouchable);
	index->firmware_count = job->firmware_count;
	index->watch_count = job->watch_count;
	index->pci_count = job->pci_count;
	index->disk_count = job->disk_count;
	index->efi_count = job->efi_count;

	r = copy_records(job->firmware, job->firmware_count, sizeof(*job->firmware),
			 &index->firmware);
	if (!r)
		r = copy_records(job->watch, job->watch_count, sizeof(*job->watch), &index->watch);
	if (!r)
		r = copy_records(job->pci, job->pci_count, sizeof(*job->pci), &index->pci);
	if (!r)
		r = copy_records(job->disks, job->disk_count, sizeof(*job->disks), &index->disks);
	if (!r)
		r = copy_records(job->efi, job->efi_count, sizeof(*job->efi), &index->efi);
	if (!r && job->vmcoreinfo_size) {
		index->vmcoreinfo = strndup(job->vmcoreinfo, job->vmcoreinfo_size);
		r = index->vmcoreinfo ? 0 : -ENOMEM;
	}
	return r ? error_set(err, -r, "index: out of memory") : 0;
}

/* FIRST: the first nonce, if the image is sealed. */
static int write_image(const struct save_job *job, uint64_t first, struct selection *selection,
		       struct image_writer *writer, struct save_result *ret, struct error *err)
{
	struct image_index index = { 0 };
	struct delta delta;
	int r;

	image_writer_set(writer, &job->identity, job->policy);
	r = job->seal ? image_writer_seal(writer, job->seal, first, err) : 0;
	if (r)
		return r;
	delta_begin(&delta, job, selection, writer);
	r = workers_run(job, &delta, writer, &index.zero, err);
	snprintf(ret->full, sizeof(ret->full), "%s", delta.reason);
	delta_end(&delta);
	runs_free(&selection->save);
	if (!r)
		r = fill_index(&index, job, selection, err);
	if (!r)
		r = image_writer_end(writer, &index, err);
	if (!r && job->kind == IMAGE_HIBERNATION)
		r = image_restorable(&index, job->boot, err);
	/* The last moment: what is committed is saved. */
	if (!r)
		r = save_job_stopped(job, err);
	if (!r)
		r = image_writer_commit(writer, &index, job->kind, &ret->super, err);
	if (!r)
		ret->bytes = image_writer_bytes(writer);
	/* For another try: that list is nowhere else. */
	if (job->free && image_writer_may_begin_anew(writer))
		*job->free = move_runs(index.free.n ? &index.free : &selection->free);
	image_index_free(&index);
	return r;
}

void save_leave_none_valid(const struct disk *disk, const char *name, const uint8_t *committed)
{
	struct image_super super;
	struct error err = { 0 };
	int r;

	r = image_super_read(disk, &super, &err);
	if (r == -ENOMEDIUM)
		return;
	if (!r && (image_waits(&super) ||
		   (super.state == IMAGE_VALID && committed &&
		    !memcmp(super.image_uuid, committed, sizeof(super.image_uuid)))))
		r = image_mark_stale(disk, &super, "a save failed and the machine went on", &err);
	if (r)
		message_error(&err, "%s: an image may still be valid, discard it", name);
}

static int stop_verification(void *context, size_t number, const struct image_chunk *chunk,
			     const struct run *runs, const void *pages, struct error *err)
{
	(void)number, (void)chunk, (void)runs, (void)pages;
	return save_job_stopped(context, err);
}

/* Read it back as whoever restores it will, but for the box, which only they can open. */
static int verify(const struct save_job *job, const struct image_super *super, struct error *err)
{
	const struct image_sink verification = { .take = stop_verification,
						 .context = (void *)job };
	struct opener opener = { .known_count = 0 };
	int r;

	if (job->seal)
		opener_know(&opener, &job->seal->key);
	r = image_verify(job->disk, super, &opener, job->workers, &verification, err);
	opener_end(&opener);
	return r ? error_prefix(err, "verification") : 0;
}

/* An image that was built on it is not whole, and no other one shall be. */
static void give_up_base(const struct save_job *job, const struct image_super *failed)
{
	struct image_super super;
	struct error ignored;

	if (failed->reused_pages && !image_super_read(job->disk, &super, &ignored) &&
	    image_super_select(&super, failed->base_uuid))
		image_mark_stale(job->disk, &super, "an image that was built on it is damaged",
				 &ignored);
}

/*
 * One try, with nonces from *NUMBER on. *AGAIN when it failed, and another one should be made that
 * builds on no other image.
 */
static int try_save(const struct save_job *job, uint64_t *number, struct save_result *ret,
		    bool *again, struct error *err)
{
	struct image_writer *writer = NULL;
	struct selection selection;
	int r;

	*ret = (struct save_result){ 0 };
	*again = false;
	r = selection_make(job, &selection, err);
	if (!r)
		r = image_writer_open(job->disk, &writer, err);
	if (!r) {
		r = write_image(job, *number, &selection, writer, ret, err);
		*again = image_writer_may_begin_anew(writer);
		*number = image_writer_numbers(writer);
		image_writer_free(writer);
	}
	selection_free(&selection);
	if (!r && job->verify && job->disk) {
		r = verify(job, &ret->super, err);
		if (r && r != -ECANCELED)
			give_up_base(job, &ret->super);
	}
	*again = *again && (r == -ENOSPC || r == -EUCLEAN || r == -EIO);
	/* The machine goes on now. An image that could not be verified is of no use to anyone. */
	if (r && job->disk)
		save_leave_none_valid(job->disk, job->name, ret->super.image_uuid);
	return r;
}

static int save_at_last(const struct save_job *job, struct save_result *ret, struct error *err)
{
	struct save_job full = *job;
	char why[sizeof(ret->full)];
	uint64_t number = 0;
	bool again;
	int r = try_save(job, &number, ret, &again, err);

	if (!again)
		return r;
	/*
	 * Chunks stay as a whole where half of them is of use: they can take more room than all
	 * pages by themselves. Or they, or what the base says of them, are not what they were.
	 */
	message("%s: %s; saving all of it anew, built on no other image", job->name, err->text);
	snprintf(why, sizeof(why), "%.159s",
		 r == -ENOSPC ? "with what it has of the image before it does not fit" : err->text);
	full.full = true;
	r = try_save(&full, &number, ret, &again, err);
	snprintf(ret->full, sizeof(ret->full), "%s", why);
	return r;
}

int save_run(const struct save_job *job, struct save_result *ret, struct error *err)
{
	int r = save_at_last(job, ret, err);

	if (job->free)
		runs_free(job->free);
	return r;
}
