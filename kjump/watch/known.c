/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices and pools that were done already. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kjump/watch/internal.h"

bool known_is(const struct resolver *resolver, const char *name)
{
	for (size_t i = 0; i < resolver->known_count; i++)
		if (!strcmp(resolver->known[i], name))
			return true;
	return false;
}

int known_add(struct resolver *resolver, const char *name, struct error *err)
{
	size_t size = (resolver->known_count + 1) * sizeof(*resolver->known);
	void *more = realloc(resolver->known, size);

	if (!more)
		return error_set(err, ENOMEM, "no memory");
	resolver->known = more;
	snprintf(resolver->known[resolver->known_count++], sizeof(*resolver->known), "%s", name);
	return 0;
}
