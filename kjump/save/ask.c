/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The request to kernel B.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "kjump/check/room.h"
#include "kjump/check/untouchable.h"
#include "kjump/key/sealing.h"
#include "kjump/load/choice.h"
#include "kjump/paths.h"
#include "kjump/save/hardware.h"
#include "kjump/save/identity.h"
#include "kjump/save/parts.h"
#include "kjump/save/seal.h"
#include "kjump/watch/census.h"
#include "kjump/watch/resolve.h"
#include "kjump/watch/volume.h"
#include "seal/pin.h"
#include "text/human.h"

void ask_fill(struct save *save, enum operation operation)
{
	const struct config *config = &save->options->config;
	struct request *request = &save->request;
	char uuid[37];

	request->operation = operation;
	request->flags = (config->verify ? REQUEST_VERIFY : 0) |
			 (config->all ? REQUEST_SAVE_ALL : 0) |
			 (save->options->full ? REQUEST_FULL : 0) |
			 (save->options->dry_run ? REQUEST_DRY_RUN : 0) |
			 (save->options->suspend ? REQUEST_STAY_ON : 0);
	request->level = config->level;
	request->workers = config->workers ? choice_cpus(config) : 0;
	if (*save->preflight.file.path)
		memcpy(request->target, save->preflight.file.spec, sizeof(request->target));
	else
		snprintf(request->target, sizeof(request->target), "UUID=%s",
			 human_uuid(save->preflight.super.device_uuid, uuid));
	snprintf(request->target_name, sizeof(request->target_name), "%s", config->target);
	request->piece_count = (uint32_t)save->preflight.piece_count;
	memcpy(request->pieces, save->preflight.pieces, sizeof(request->pieces));
	memcpy(request->device_uuid, save->preflight.super.device_uuid,
	       sizeof(request->device_uuid));
	request->time = (uint64_t)time(NULL);
	request->keep = config->keep;
	request->keep_for = config->keep_for;
	request->full_every = config->full_every;
	identity_fill(PATH_DIGEST, request);
}

/* Only what will be restored must be found as it was; and swap areas are A's own again soon. */
static int post_watch(struct save *save, struct mailbox *mailbox, struct error *err)
{
	const bool hibernate = save->request.operation == OP_HIBERNATE;
	struct watch_list list = { .watch = mailbox->watch, .max = MAILBOX_WATCH_MAX };
	const struct watch_doubt *doubt;
	const struct watch_source source = { PATH_PROC, &devices_running,
					     preflight_node(&save->preflight) };
	int ret = census_take(&source, &save->census, err);

	if (!ret)
		ret = watch_resolve(&source, save->options->config.allow_unwatched, &list, err);
	if (ret)
		return ret;
	doubt = hibernate ? watch_refusal(&list) : NULL;
	if (doubt)
		return error_set(err, ENOTSUP, "%s", doubt->text);
	save->request.seal_count = 0;
	if (hibernate && !save->options->dry_run) {
		memcpy(save->seals, list.watch, list.seals * sizeof(*list.watch));
		save->request.seal_count = (uint32_t)list.seals;
	}
	/* What B writes is no change. Of a file system that is the file alone. */
	if (*save->preflight.file.path)
		ret = claimed_exclude(&save->preflight.file, list.watch, list.max, &list.count,
				      err);
	else
		ret = volume_exclude(save->request.pieces, save->request.piece_count, list.watch,
				     list.max, &list.count, err);
	save->request.watch_count = (uint32_t)list.count;
	return ret;
}

int ask_post(struct save *save, struct error *err)
{
	const struct room_paths room = { PATH_MEMINFO, PATH_DROP_CACHES, PATH_FOOTPRINT,
					 PATH_IOMEM,   PATH_BOOT_PARAMS, PATH_ZONEINFO };
	struct mailbox *mailbox = save->loader.page.mailbox;
	struct untouchable untouchable;
	uint64_t pfn;
	int ret;

	sync();
	sync();
	ret = save->request.operation == OP_HIBERNATE ? room_make(&room, &save->loader.state, err)
						      : 0;
	if (!ret)
		ret = room_boot(&room, &save->loader.state, &save->request.boot_bytes, err);
	if (!ret)
		ret = post_watch(save, mailbox, err);
	if (!ret)
		ret = hardware_record(preflight_node(&save->preflight), mailbox, err);
	if (!ret)
		ret = mailbox_frame(PATH_PAGEMAP, mailbox, &pfn, err);
	if (ret)
		return ret;
	if (pfn != save->loader.state.mailbox_pfn)
		return error_set(err, ESTALE, "the mailbox moved to another page frame");
	ret = untouchable_count("", &untouchable, err);
	if (ret)
		return ret;
	save->request.poisoned_pages = untouchable.poisoned;
	save->request.offline_pages = untouchable.offline;
	save->request.tsc_khz = tsc_rate_khz(save->start);
	save->request.kexec_list = save->loader.state.kexec_list;
	if (getrandom(save->request.entropy, REQUEST_ENTROPY, 0) != REQUEST_ENTROPY)
		return error_errno(err, "random numbers for kernel B");
	mailbox->request = save->request;
	explicit_bzero(save->request.entropy, sizeof(save->request.entropy));
	memset(&mailbox->outcome, 0, sizeof(mailbox->outcome));
	/* Last, and straight into the mailbox: a key serves one jump, and is nowhere else. */
	if (sealing_wanted(&save->options->config, PATH_SENDER))
		ret = seal_request(PATH_SENDER, &save->preflight.super, &mailbox->request.seal,
				   err);
	if (!ret && mailbox->request.seal.key.algorithm && !save->options->dry_run &&
	    save->request.operation == OP_HIBERNATE)
		seal_pin(PIN_FOLDER, &mailbox->request.seal);
	return ret;
}

bool ask_is_answered(const struct mailbox *mailbox)
{
	return __atomic_load_n(&mailbox->answered, __ATOMIC_ACQUIRE) == mailbox->sequence;
}
