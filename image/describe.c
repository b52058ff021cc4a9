/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image in half a line. */
#include <stdio.h>

#include "common/printable.h"
#include "image/image.h"
#include "text/human.h"

char *image_describe(const struct image_super *super, char *text, size_t size)
{
	char created[HUMAN_SIZE];

	if (super->state == IMAGE_EMPTY)
		snprintf(text, size, "no image");
	else if (super->algorithm)
		snprintf(text, size, "%s sealed %s image of %s", image_state_name(super->state),
			 image_kind_name(super->kind), human_time(super->created, created));
	else
		snprintf(text, size, "%s %s image of %s%s%.*s", image_state_name(super->state),
			 image_kind_name(super->kind), human_time(super->created, created),
			 *super->release ? ", kernel " : "", (int)sizeof(super->release),
			 super->release);
	return printable(text);
}
