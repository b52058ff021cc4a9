/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map of a file with images, which says anything, with its checksum right: no byte of the
 * device belongs to two bytes of the file, and none lies elsewhere than on the device.
 *
 * Input: where the map lies; number of extents; up to 7 bytes of the map to change before they are
 * filled in; then each extent's first page and pages.
 */
#include "disk/pieces.h"
#include "image/filemap.h"
#include "tests/fuzz/fuzz.h"

#define DISK_SIZE (96 << 20)
#define PAGE	  IMAGE_BLOCK
#define PATCHES	  7
/* A page that is far beyond the disk, or at the end of all numbers. */
#define FAR 0xfff0

static void fill(struct image_map *map, struct fuzz_input *input)
{
	uint64_t place = (uint64_t)fuzz_u16(input) * PAGE;
	unsigned count = fuzz_u16(input), patches = fuzz_u8(input) % (PATCHES + 1);

	for (unsigned i = 0; i < patches; i++) {
		size_t at = fuzz_u16(input) % sizeof(*map);

		((uint8_t *)map)[at] = fuzz_u8(input);
	}
	map->place = place;
	map->extent_count = count;
	for (unsigned i = 0; i < count && i < IMAGE_MAP_EXTENTS && input->size; i++) {
		uint64_t first = fuzz_u16(input), pages = fuzz_u16(input);

		map->extents[i].offset = first >= FAR ? -first * PAGE : first * PAGE;
		map->extents[i].length = pages >= FAR ? -pages * PAGE : pages * PAGE;
	}
}

/* Superblocks where the map leads, which the disk's owner could have made. */
static void put_claim(struct disk *disk, const struct image_map *map)
{
	struct image_head *block = disk_buffer(PAGE);
	struct error err = { 0 };
	struct disk file = *disk;

	memcpy(block->magic, IMAGE_MAGIC, sizeof(block->magic));
	memcpy(block->device_uuid, map->device_uuid, sizeof(map->device_uuid));
	file.fd = dup(disk->fd);
	if (map->extent_count && map->extent_count <= IMAGE_MAP_EXTENTS &&
	    !filemap_narrow(&file, map, &err)) {
		disk_write(&file, block, PAGE, IMAGE_SUPER0, &err);
		disk_write(&file, block, PAGE, IMAGE_SUPER1, &err);
	}
	disk_close(&file);
	free(block);
}

/* Each page of the file, once on the device. */
static void check_pages(const struct disk *file, uint64_t place)
{
	bool *seen = calloc(DISK_SIZE / PAGE, sizeof(*seen));

	for (uint64_t at = 0; at < file->size; at += PAGE) {
		struct piece_part part = pieces_locate(file, at, PAGE);

		if (part.size != PAGE || part.offset % PAGE || part.offset > DISK_SIZE - PAGE ||
		    seen[part.offset / PAGE] ||
		    (part.offset >= place && part.offset < place + IMAGE_MAP_SIZE))
			abort();
		seen[part.offset / PAGE] = true;
	}
	free(seen);
}

static bool fuzz_run(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct image_map *map = disk_buffer(sizeof(*map));
	char spec[64];
	struct error err = { 0 };
	struct disk disk;
	int fd = fuzz_disk(DISK_SIZE, &disk);
	bool good;

	strcpy(map->device, "UUID=12ab-34cd");
	fill(map, &input);
	snprintf(spec, sizeof(spec), "UUID=12AB-34CD@%llu", (unsigned long long)map->place);
	put_claim(&disk, map);
	if (filemap_write(&disk, map->place, map, &err)) {
		disk_close(&disk);
		good = fuzz_good(-err.code, &err);
	} else {
		good = fuzz_good(filemap_enter(spec, &disk, &err), &err);
	}
	if (good)
		check_pages(&disk, map->place);
	disk_close(&disk);
	close(fd);
	free(map);
	return good;
}

/* In two pieces, the second before the first. */
static size_t fuzz_seed(unsigned number, uint8_t *data)
{
	const uint16_t head[] = { 5000, 2 }, extents[] = { 5000, 3000, 100, 2500 };

	if (number)
		return 0;
	memcpy(data, head, sizeof(head));
	data[sizeof(head)] = 0;
	memcpy(data + sizeof(head) + 1, extents, sizeof(extents));
	return sizeof(head) + 1 + sizeof(extents);
}
