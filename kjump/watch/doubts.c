/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What could change without being noticed, and what the user allows. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/disk.h"
#include "kjump/watch/internal.h"

static bool is_device(const char *word, const char *device)
{
	char path[PATH_MAX], real[PATH_MAX], node[BLOCK_NAME_SIZE + 8];
	struct error ignored = { 0 };

	if (!*device)
		return false;
	sysfs_node(device, node, sizeof(node));
	if (!strcmp(word, device) || !strcmp(word, node))
		return true;
	if (!strchr(word, '=') && *word != '/')
		return false;
	/* /dev/mapper/NAME is a link to /dev/dm-0. */
	return !disk_find(word, path, sizeof(path), &ignored) && realpath(path, real) &&
	       !strcmp(real, node);
}

static bool is_allowed(const char *allowed, const struct subject *subject)
{
	char words[512], *rest = words, *word;

	if (!strcmp(allowed, "yes"))
		return true;
	snprintf(words, sizeof(words), "%s", allowed);
	while ((word = strsep(&rest, " \t")))
		if (*word && (!strcmp(word, subject->where) || is_device(word, subject->device)))
			return true;
	return false;
}

void doubt_add(struct resolver *resolver, const struct subject *subject, const char *why,
	       bool harmless)
{
	struct watch_list *list = resolver->list;
	struct watch_doubt doubt = { .harmless = harmless || resolver->idle };
	char node[BLOCK_NAME_SIZE + 16] = "";

	if (*subject->device) {
		strcpy(node, " on ");
		sysfs_node(subject->device, node + 4, sizeof(node) - 4);
	}
	snprintf(doubt.text, sizeof(doubt.text), "%.60s (%.20s%s): %s", subject->where,
		 subject->type, node, why);
	for (size_t i = 0; i < list->doubt_count && i < WATCH_DOUBTS_MAX; i++)
		if (!strcmp(list->doubts[i].text, doubt.text))
			return;
	doubt.allowed = is_allowed(resolver->allowed, subject);
	/* When there are more than anybody reads, one that counts must be among them. */
	if (list->doubt_count < WATCH_DOUBTS_MAX)
		list->doubts[list->doubt_count] = doubt;
	else if (!doubt.allowed && !doubt.harmless)
		list->doubts[WATCH_DOUBTS_MAX - 1] = doubt;
	list->doubt_count++;
}

const struct watch_doubt *watch_refusal(const struct watch_list *list)
{
	for (size_t i = 0; i < list->doubt_count && i < WATCH_DOUBTS_MAX; i++)
		if (!list->doubts[i].allowed && !list->doubts[i].harmless)
			return &list->doubts[i];
	return NULL;
}
