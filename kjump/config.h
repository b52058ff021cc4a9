/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings: /etc/kjump.conf, overridden by the long options of the same names.
 */
#ifndef KJUMP_CONFIG_H
#define KJUMP_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "jump/backend.h"

#define CONFIG_WORKERS_MAX 256
#define CONFIG_KEEP_MAX	   15
#define CONFIG_FULL_MAX	   1000
#define CONFIG_FULL_EVERY  20
#define CONFIG_TIME_MAX	   1000000 /* of whatever unit */
#define CONFIG_HOME_MIN	   (32ULL << 20)
#define CONFIG_HOME_MAX	   (2ULL << 30)
#define CONFIG_HOME_UNIT   (2ULL << 20)

/* Are images sealed? */
enum seal_choice {
	SEAL_AUTO, /* where there is a sender's key */
	SEAL_YES,
	SEAL_NO,
};

/* An empty string stands for the default. */
struct config {
	char target[128];    /* device for images: UUID=, LABEL=, PARTUUID=, PARTLABEL= or a path */
	int level;	     /* of zstd, or LEVEL_AUTO */
	unsigned workers;    /* 0 = one a CPU of kernel B */
	bool verify;	     /* read the image back */
	bool all;	     /* leave no free pages out */
	unsigned keep;	     /* newest checkpoints that stay on the target */
	uint64_t keep_for;   /* seconds after which one goes; 0 = never */
	unsigned full_every; /* each n-th image is built on no other; 0 = never mind */
	enum seal_choice seal;
	bool allow_plaintext;	   /* though disks of this machine are encrypted */
	char allow_unwatched[256]; /* "yes", or what may change without being noticed */
	bool anyway;		   /* save though the next boot would not restore, ... */
	bool rehearse;		   /* freeze once for practice before the first jump */
	bool always_boot;	   /* boot kernel B whenever it is loaded anew */
	enum jump_choice jump;	   /* by the module, by kexec, or what there is */
	char kernel[256];	   /* kernel B's bzImage */
	char initramfs[256];	   /* and its initramfs */
	uint64_t home;		   /* bytes, a multiple of 2 MiB; 0 = as much as kernel B needs */
	char cmdline[1024];	   /* added to kernel B's command line */
	const char *path;	   /* where settings are read from, for messages; never NULL */
};

void config_default(struct config *config);

/* Set KEY to VALUE: EINVAL for an unknown key or a value that it does not take. */
int config_set(struct config *config, const char *key, const char *value, struct error *err);

/* Apply the file at PATH; errors name file and line. ENOENT when there is no such file. */
int config_read(struct config *config, const char *path, struct error *err);

#endif
