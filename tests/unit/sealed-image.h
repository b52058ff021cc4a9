/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up machine in a sealed image, and the keys to it. */
#ifndef TESTS_SEALED_IMAGE_H
#define TESTS_SEALED_IMAGE_H

#include "fake-image.h"
#include "seal/aead.h"

struct sealed {
	struct fake fake; /* opened by by_restorer */
	struct temp_disk temp;
	struct restore_key restore;
	struct sender_key sender;
	struct opener by_restorer, by_sender;
	struct request_seal seal;
	struct image_super super;
};

/* Keys and an empty device; false when this processor has not got the algorithm. */
static inline bool sealed_begin(struct sealed *sealed, const struct fake *fake, uint32_t algorithm)
{
	struct error err;

	memset(sealed, 0, sizeof(*sealed));
	if (aead_check(algorithm, &err)) {
		print_message("%s\n", err.text);
		return false;
	}
	assert_int_equal(keys_make(&sealed->restore, &sealed->sender, &err), 0);
	assert_int_equal(opener_restore(&sealed->restore, &sealed->by_restorer, &err), 0);
	assert_int_equal(opener_sender(&sealed->sender, &sealed->by_sender, &err), 0);
	assert_int_equal(box_make(&sealed->sender, algorithm, &sealed->seal, &err), 0);
	temp_disk_create(&sealed->temp, IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&sealed->temp.disk, "test", &sealed->super, &err), 0);
	sealed->fake = *fake;
	sealed->fake.seal = &sealed->seal;
	sealed->fake.opener = &sealed->by_restorer;
	return true;
}

/* With a hibernation image. */
static inline bool sealed_create(struct sealed *sealed, const struct fake *fake, uint32_t algorithm)
{
	struct error err;

	if (!sealed_begin(sealed, fake, algorithm))
		return false;
	if (fake_write(&sealed->fake, &sealed->temp.disk, IMAGE_HIBERNATION, 2, &sealed->super,
		       &err))
		fail_msg("%s", err.text);
	return true;
}

static inline void sealed_remove(struct sealed *sealed)
{
	temp_disk_remove(&sealed->temp);
}

#endif
