/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Swap areas whose signature kernel B takes away and kernel A puts back. */
#include <errno.h>

#include "disk/fingerprint.h"
#include "disk/swapseal.h"
#include "fake-image.h"

#define PLACE (64 << 10) /* of the area on the disk */
#define SIZE  (1 << 20)

static void make_swap(const struct temp_disk *temp, struct watch *place)
{
	struct temp_disk area;
	char command[256];
	void *bytes;

	/* mkswap takes no offset for a file. */
	temp_disk_create(&area, SIZE);
	snprintf(command, sizeof(command),
		 "/usr/sbin/mkswap -q -L swap -U 01234567-89ab-cdef-0123-456789abcdef %s "
		 "2> /dev/null",
		 area.path);
	assert_int_equal(system(command), 0);
	bytes = temp_disk_save(&area);
	temp_disk_write(temp, PLACE, bytes, SIZE);
	free(bytes);
	temp_disk_remove(&area);
	*place = (struct watch){ .offset = PLACE, .length = SWAP_PAGE };
	strcpy(place->tag, temp->path);
}

static void test_seal(void **state)
{
	struct fingerprint fingerprint = { .tag = "" };
	uint64_t before, sealed, after;
	struct error err = { 0 };
	struct temp_disk temp;
	struct watch place;
	char *saved, *now;

	(void)state;
	temp_disk_create(&temp, PLACE + SIZE + 4096);
	make_swap(&temp, &place);
	saved = temp_disk_save(&temp);
	assert_true(swap_is_open(&place));
	assert_int_equal(fingerprint_hash(&fingerprint, &place, &before, &err), 0);
	assert_int_equal(swap_seal(&place, &err), 0);
	assert_false(swap_is_open(&place));
	assert_int_equal(fingerprint_hash(&fingerprint, &place, &sealed, &err), 0);
	assert_true(before != sealed);

	/* Nothing but the signature: who looks for the area finds it by its UUID. */
	now = temp_disk_save(&temp);
	assert_memory_equal(now, saved, PLACE + SWAP_PAGE - 10);
	assert_memory_equal(now + PLACE + SWAP_PAGE - 10, "LINHIB0001", 10);
	assert_memory_equal(now + PLACE + SWAP_PAGE, saved + PLACE + SWAP_PAGE, SIZE);
	free(now);

	/* Twice is a mistake of kernel B's; A opens what is open already. */
	assert_int_equal(swap_seal(&place, &err), -EUCLEAN);
	assert_int_equal(swap_unseal(&place, &err), 0);
	assert_int_equal(swap_unseal(&place, &err), 0);
	now = temp_disk_save(&temp);
	assert_memory_equal(now, saved, temp.disk.size);
	assert_int_equal(fingerprint_hash(&fingerprint, &place, &after, &err), 0);
	assert_true(before == after);
	fingerprint_end(&fingerprint);
	free(now);
	free(saved);
	temp_disk_remove(&temp);
}

/* What is no swap area (any more) is not written to. */
static void test_refused(void **state)
{
	struct error err = { 0 };
	struct temp_disk temp;
	struct watch place;
	char *saved, *now;

	(void)state;
	temp_disk_create(&temp, PLACE + SIZE);
	make_swap(&temp, &place);
	temp_disk_flip(&temp, PLACE + 1024, 2); /* version 3 */
	saved = temp_disk_save(&temp);
	assert_false(swap_is_open(&place));
	assert_int_equal(swap_seal(&place, &err), -EUCLEAN);
	assert_int_equal(swap_unseal(&place, &err), -EUCLEAN);
	place.offset += 4096;
	assert_int_equal(swap_seal(&place, &err), -EUCLEAN);
	place.offset = PLACE + SIZE;
	assert_int_equal(swap_seal(&place, &err), -ENOSPC);
	place.length = 8192;
	assert_int_equal(swap_seal(&place, &err), -EINVAL);
	place.length = SWAP_PAGE;
	memset(place.tag, 'x', sizeof(place.tag));
	assert_int_equal(swap_seal(&place, &err), -EINVAL);
	now = temp_disk_save(&temp);
	assert_memory_equal(now, saved, temp.disk.size);
	free(now);
	free(saved);
	temp_disk_remove(&temp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
