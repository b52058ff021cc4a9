/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The jump, and the system around it. Between the two halves of cross() this process, like all
 * others, may have been on a disk for a week.
 */
#include <errno.h>
#include <string.h>

#include "common/tsc.h"
#include "jump/jump.h"
#include "kjump/load/finder.h"
#include "kjump/paths.h"
#include "kjump/save/areas.h"
#include "kjump/save/culprit.h"
#include "kjump/save/hybrid.h"
#include "kjump/save/parts.h"
#include "kjump/save/quiesce.h"
#include "kjump/save/watchdogs.h"
#include "kjump/watch/census.h"

/*
 * What was mounted or switched on since ask_post() looked would be watched by nobody. Right
 * before the jump, where programs are frozen for it already; else as near to it as there is.
 */
static int check_census(struct save *save, struct error *err)
{
	const struct watch_source source = { PATH_PROC, &devices_running,
					     preflight_node(&save->preflight) };
	uint64_t census;
	int ret = census_take(&source, &census, err);

	if (ret || census == save->census)
		return ret;
	return error_set(err, EAGAIN, "a file system, swap area or disk came or went meanwhile");
}

/*
 * Nobody has run since the jump, so the image is as good as the system until now; whoever wakes up
 * is not to find it any more.
 */
static void suspend(struct save *save, struct quiesce *quiesce)
{
	quiesce_wakeups_on(quiesce);
	hybrid_suspend(quiesce->snapshot, &save->suspended);
	settle_went_on(&save->settle);
}

/*
 * Jump, with programs frozen if that can be. The number goes up only here, so that kernel B,
 * whenever it looks, finds a request only when there is one.
 */
static int cross(struct save *save, struct jump_freeze *frozen, struct quiesce *quiesce,
		 struct watchdogs *watchdogs, struct error *err)
{
	struct mailbox *mailbox = save->loader.page.mailbox;
	int ret;

	__atomic_store_n(&mailbox->sequence, mailbox->sequence + 1, __ATOMIC_RELEASE);
	ret = save->loader.backend->execute(frozen, err);
	save->back = tsc_read();
	/* Before anything else: a crash from here on must not restore this once more. */
	if (!ret && ask_is_answered(mailbox) && mailbox->outcome.result == RESULT_RESTORED)
		settle_restored(&save->settle, mailbox->outcome.image);
	if (!ret && ask_is_answered(mailbox) && mailbox->outcome.result == RESULT_SAVED &&
	    save->request.flags & REQUEST_STAY_ON)
		suspend(save, quiesce);
	watchdogs_start(watchdogs);
	areas_open(save->seals, save->request.seal_count, quiesce->snapshot);
	/* Nobody has seen the request, and nobody shall. */
	if (ret)
		__atomic_store_n(&mailbox->answered, mailbox->sequence, __ATOMIC_RELEASE);
	return ret;
}

int cross_jump(struct save *save, uint64_t stamps[STAMP_MAX], struct error *err)
{
	struct mailbox *mailbox = save->loader.page.mailbox;
	const struct jump_backend *backend = save->loader.backend;
	struct watchdogs watchdogs;
	struct jump_freeze frozen;
	struct quiesce quiesce;
	char culprit[CULPRIT_SIZE];
	const bool stay = save->request.flags & REQUEST_STAY_ON;
	bool refused = false;
	int ret, kmsg = culprit_watch();

	ret = quiesce_begin(&quiesce, !backend->parks_cpus(), err);
	if (!ret)
		ret = loader_is_current(&save->loader, err);
	if (!ret) {
		ret = (stay ? backend->freeze_staying : backend->freeze)(quiesce.snapshot, &frozen,
									 err);
		refused = ret;
	}
	if (ret)
		goto out;
	ret = check_census(save, err);
	if (!ret) {
		watchdogs_stop(&watchdogs);
		mailbox->request.watchdog_count = (uint32_t)watchdogs.count;
		memcpy(mailbox->request.watchdogs, watchdogs.entries, sizeof(watchdogs.entries));
		stamps[STAMP_JUMP] = tsc_read();
		memcpy(mailbox->outcome.stamps, stamps, sizeof(mailbox->outcome.stamps));
		ret = cross(save, &frozen, &quiesce, &watchdogs, err);
		refused = ret;
	}
	backend->thaw(&frozen);
out:
	quiesce_end(&quiesce);
	culprit_name(kmsg, culprit, sizeof(culprit));
	return refused ? culprit_explain(backend, -ret, culprit, err) : ret;
}
