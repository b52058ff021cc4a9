/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Check of what is mounted or swapped to: will it be noticed when it changes while A is away?
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kjump/check/checks.h"
#include "kjump/paths.h"
#include "kjump/watch/resolve.h"

static int judge(const struct watch_list *list, struct error *note)
{
	const struct watch_doubt *refusal = watch_refusal(list);
	const struct watch_doubt *doubt = refusal ? refusal : list->doubts;
	char more[32] = "";

	if (!list->doubt_count) {
		error_set(note, 0, "all will be noticed");
		return 0;
	}
	if (list->doubt_count > 1)
		snprintf(more, sizeof(more), "; and %zu more", list->doubt_count - 1);
	error_set(note, refusal ? ENOTSUP : 0, "%.200s%s%s", doubt->text,
		  doubt->allowed ? "; allowed" : "", more);
	return refusal ? -ENOTSUP : PREFLIGHT_DOUBT;
}

const char *check_watched_advice(const struct watch_list *list, const char *usual)
{
	const struct watch_doubt *refusal = watch_refusal(list);

	return refusal && !strncmp(refusal->text, "/ (", 3)
		       ? "the root cannot be unmounted: set allow_unwatched = / if nobody else "
			 "writes there while the system is away"
		       : usual;
}

int check_watched(struct preflight *preflight, struct error *note)
{
	struct watch_list list = { .max = MAILBOX_WATCH_MAX };
	struct watch_source source = { .devices = &devices_running };
	char proc[CHECK_PATH_SIZE];
	int ret;

	list.watch = calloc(list.max, sizeof(*list.watch));
	if (!list.watch)
		return error_set(note, ENOMEM, "out of memory");
	source.proc = check_path(preflight, PATH_PROC, proc, sizeof(proc));
	source.target = preflight_node(preflight);
	ret = watch_resolve(&source, preflight->config->allow_unwatched, &list, note);
	if (!ret) {
		ret = judge(&list, note);
		preflight->advice = check_watched_advice(&list, preflight->advice);
	}
	free(list.watch);
	/* What only other processes have mounted is not seen then. */
	if (!ret && geteuid() != 0)
		ret = check_closed(note, "what processes of others have mounted");
	return ret;
}
