/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must be in order for this machine to be saved and restored: one table, which `kjump check`
 * shows and which `hibernate` and `checkpoint` go through before anything is touched.
 */
#ifndef KJUMP_CHECK_PREFLIGHT_H
#define KJUMP_CHECK_PREFLIGHT_H

#include <stdbool.h>

#include "common/abi.h"
#include "common/error.h"
#include "disk/disk.h"
#include "image/image.h"
#include "kjump/config.h"
#include "kjump/file/claimed.h"
#include "text/color.h"

struct preflight {
	const struct config *config;
	enum operation operation;
	bool logind;  /* logind asked who keeps the system awake */
	bool replace; /* an image that waits on the target may be given up */
	const char
		*root; /* "" = the running system; a directory with its own /proc, ... in tests */
	struct disk disk; /* the target, closed again; its name is the path found, or "" */
	struct image_super super;
	struct claimed_file file;		/* what the target is when it is a file */
	struct watch pieces[REQUEST_PIECE_MAX]; /* of preflight_node(), when it is a volume */
	size_t piece_count;
	const char *advice; /* what to do about the problem met last; a check may know better */
	bool suspended;	    /* some device answers nobody: what READS is not looked at */
};

/* The block device that is the target, or that it lies on; "" when there is none. */
static inline const char *preflight_node(const struct preflight *preflight)
{
	return *preflight->file.path ? preflight->file.holder.node : preflight->disk.name;
}

enum preflight_when {
	/* Only what a later boot needs: no matter for a checkpoint. */
	PREFLIGHT_RESTORE = 1 << 0,
	/* An estimate: for a save a message, no reason to refuse. */
	PREFLIGHT_ADVICE = 1 << 1,
	/*
	 * How the next boot will go, and the session would be lost by it: a hibernation is refused,
	 * unless the user knows better (`anyway`).
	 */
	PREFLIGHT_LOSS = 1 << 3,
	/* Refused, unless the user knows better (`anyway`). */
	PREFLIGHT_WISH = 1 << 6,
	/* A save finds out by itself a moment later, when it loads and makes room. */
	PREFLIGHT_LATER = 1 << 2,
	/*
	 * A doubt is a message of a save's, because the session may be lost by it. Others were
	 * permitted by a setting, or change nothing for the session.
	 */
	PREFLIGHT_TELL = 1 << 4,
	/* What is loaded for the jump: no matter, and not looked at, once it is loaded. */
	PREFLIGHT_COLD = 1 << 5,
	/* Reads devices. */
	PREFLIGHT_READS = 1 << 7,
};

/* Results of a check that is neither fine (0) nor a problem (negative). */
#define PREFLIGHT_DOUBT 1
#define PREFLIGHT_UNKNOWN                                                                          \
	2 /* it could not be looked at: not by this user, or for another problem */

/*
 * One thing to check; changes nothing. RUN returns 0, PREFLIGHT_DOUBT, PREFLIGHT_UNKNOWN, or a
 * negative errno value. NOTE is zeroed before: its text says what was found, and must with any
 * result but 0.
 */
struct preflight_check {
	const char *name;   /* a word or two */
	const char *advice; /* what to do when it fails */
	unsigned when;	    /* PREFLIGHT_* */
	int (*run)(struct preflight *preflight, struct error *note);
};

/* Ends with a NULL name. */
extern const struct preflight_check preflight_checks[];

/*
 * Run CHECK. What could not be looked at because this is not root is PREFLIGHT_UNKNOWN, not a
 * problem of the machine's.
 */
int preflight_check(const struct preflight_check *check, struct preflight *preflight,
		    struct error *note);

/* "ok", "warning", "problem" or "unknown". */
const char *preflight_result_name(int result);
enum color preflight_result_color(int result);

/*
 * What the RESULT of a CHECK, which noted NOTE, means to a save: 0 to go on, with a message where
 * there is something to say, or a negative errno value to refuse. ERR may be NOTE.
 */
int preflight_judge(const struct preflight_check *check, const struct config *config, int result,
		    const struct error *note, struct error *err);

/*
 * Run those that matter for preflight->operation until one fails. Fills in all that the caller
 * did not.
 */
int preflight_run(struct preflight *preflight, struct error *err);

#endif
