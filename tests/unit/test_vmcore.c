/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images exported as ELF cores, read back frame by frame. */
#include "fake-image.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "kjump/export/vmcore.h"
#include "memory/core.h"

#define OUT "/tmp/kjump-test-vmcore"

static const struct fake fake = { .seed = 7, .frames = 3000, .chunk_pages = 100 };

struct fixture {
	struct temp_disk temp;
	struct image_super super;
	struct image_index index;
	char path[64];
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct error err;

	assert_non_null(fixture);
	temp_disk_create(&fixture->temp, 4 * IMAGE_MIN_SIZE);
	assert_int_equal(image_format(&fixture->temp.disk, NULL, &fixture->super, &err), 0);
	assert_int_equal(
		fake_write(&fake, &fixture->temp.disk, IMAGE_CHECKPOINT, 2, &fixture->super, &err),
		0);
	assert_int_equal(
		image_index_read(&fixture->temp.disk, &fixture->super, NULL, &fixture->index, &err),
		0);
	snprintf(fixture->path, sizeof(fixture->path), OUT "-%d", (int)getpid());
	unlink(fixture->path);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	image_index_free(&fixture->index);
	temp_disk_remove(&fixture->temp);
	free(fixture);
	return 0;
}

static int export(const struct fixture *fixture, struct vmcore_result *ret, struct error *err)
{
	struct meter meter;
	int code;

	meter_start(&meter, "test", fixture->super.stored_bytes, true);
	code = vmcore_write(&fixture->temp.disk, &fixture->index, 2, fixture->path, &meter, ret,
			    err);
	if (!code)
		assert_int_equal(meter.done, fixture->super.stored_bytes);
	meter_stop(&meter);
	return code;
}

static void expect_frame(struct memory *memory, uint64_t pfn)
{
	static const unsigned char zeros[FRAME_SIZE];
	struct memory_window window = { 0 };
	unsigned char expected[FRAME_SIZE];
	const void *bytes;
	struct error err;
	int code = memory_map(memory, &window, pfn, 1, pfn + 1, &bytes, &err);

	assert_int_equal(code, 0);
	fake_page(&fake, pfn, expected);
	assert_memory_equal(bytes, fake_kind(&fake, pfn) == FAKE_DATA ? expected : zeros,
			    FRAME_SIZE);
	memory_unmap(&window);
}

static void test_every_frame(void **state)
{
	struct fixture *fixture = *state;
	struct vmcore_result result;
	struct core core = { 0 };
	struct memory *memory;
	struct error err;
	struct stat st;

	assert_int_equal(export(fixture, &result, &err), 0);
	assert_int_equal(result.pages, fixture->super.data_pages);
	assert_int_equal(result.direct, 0);
	assert_int_equal(stat(fixture->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, result.size);
	assert_true(st.st_blocks * 512 < st.st_size);

	assert_int_equal(core_open(fixture->path, &memory, &core, &err), 0);
	assert_string_equal(core.vmcoreinfo, "OSRELEASE=6.12.0-fake\n");
	assert_int_equal(runs_total(&core.ram), fixture->super.ram_pages);
	for (uint32_t i = 0; i < fake.frames; i++)
		expect_frame(memory, fake_pfn(&fake, i));
	core_free(&core);
	memory_close(memory);
}

static void test_headers(void **state)
{
	struct fixture *fixture = *state;
	struct vmcore_result result;
	Elf64_Ehdr elf;
	Elf64_Phdr note;
	Elf64_Nhdr prstatus;
	struct error err;
	int fd;

	free(fixture->index.vmcoreinfo);
	fixture->index.vmcoreinfo = NULL;
	assert_int_equal(export(fixture, &result, &err), 0);
	fd = open(fixture->path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &elf, sizeof(elf), 0), sizeof(elf));
	assert_int_equal(elf.e_machine, EM_X86_64);
	assert_int_equal(pread(fd, &note, sizeof(note), elf.e_phoff), sizeof(note));
	assert_int_equal(note.p_type, PT_NOTE);
	assert_int_equal(note.p_filesz, sizeof(prstatus) + 8 + 336);
	assert_int_equal(pread(fd, &prstatus, sizeof(prstatus), note.p_offset), sizeof(prstatus));
	assert_int_equal(prstatus.n_type, NT_PRSTATUS);
	assert_int_equal(prstatus.n_descsz, 336);
	close(fd);
}

static void test_existing_file_stays(void **state)
{
	struct fixture *fixture = *state;
	struct vmcore_result result;
	struct error err;
	struct stat st;
	int fd = open(fixture->path, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	assert_int_equal(export(fixture, &result, &err), -EEXIST);
	assert_int_equal(stat(fixture->path, &st), 0);
	assert_int_equal(st.st_size, 8);
}

static void test_damage_leaves_no_file(void **state)
{
	struct fixture *fixture = *state;
	struct vmcore_result result;
	struct error err;

	temp_disk_flip(&fixture->temp, fixture->index.chunks[3].offset + 10, 0x10);
	assert_int_equal(export(fixture, &result, &err), -EUCLEAN);
	assert_non_null(strstr(err.text, "chunk 3: checksum mismatch"));
	assert_int_equal(access(fixture->path, F_OK), -1);
}

/* Every second frame is RAM; one of 16 is data, which holds its own number. */
static void write_scattered(struct fixture *fixture, uint64_t ranges)
{
	struct image_index index = { .machine = { .entry = 0x123456 } };
	struct image_scratch *scratch = image_scratch_create(1);
	struct image_writer *writer;
	struct error err;

	assert_int_equal(image_writer_open(&fixture->temp.disk, &writer, &err), 0);
	for (uint64_t pfn = 16; pfn < 16 + 2 * ranges; pfn += 2) {
		uint64_t page[FRAME_SIZE / 8] = { pfn };
		struct run run = { pfn, 1 };
		const struct runs runs = { &run, 1, 1 };

		assert_int_equal(runs_add(&index.ram, pfn, 1), 0);
		if (pfn % 32)
			assert_int_equal(runs_add(&index.zero, pfn, 1), 0);
		else
			assert_int_equal(image_writer_chunk(writer, scratch, page, 1, &runs, &err),
					 0);
	}
	assert_int_equal(
		image_writer_commit(writer, &index, IMAGE_CHECKPOINT, &fixture->super, &err), 0);
	image_writer_free(writer);
	image_scratch_free(scratch);
	image_index_free(&index);
}

/* More segments than the ELF header has room for the number of. */
static void test_many_segments(void **state)
{
	struct fixture *fixture = *state;
	struct memory_window window = { 0 };
	struct vmcore_result result;
	struct core core = { 0 };
	struct memory *memory;
	const void *bytes;
	struct error err;
	Elf64_Ehdr elf;
	int fd;

	for (uint64_t ranges = PN_XNUM - 2; ranges <= PN_XNUM + 500; ranges += 501) {
		write_scattered(fixture, ranges);
		image_index_free(&fixture->index);
		assert_int_equal(image_index_read(&fixture->temp.disk, &fixture->super, NULL,
						  &fixture->index, &err),
				 0);
		assert_int_equal(export(fixture, &result, &err), 0);
		assert_int_equal(core_open(fixture->path, &memory, &core, &err), 0);
		assert_int_equal(core.ram.n, ranges);
		for (uint64_t pfn = 32; pfn < 16 + 2 * ranges; pfn += 32 * 57) {
			assert_int_equal(memory_map(memory, &window, pfn, 1, pfn + 1, &bytes, &err),
					 0);
			assert_int_equal(*(const uint64_t *)bytes, pfn);
		}
		memory_unmap(&window);
		core_free(&core);
		memory_close(memory);
		fd = open(fixture->path, O_RDONLY);
		assert_int_equal(pread(fd, &elf, sizeof(elf), 0), sizeof(elf));
		assert_int_equal(elf.e_phnum, ranges + 1 < PN_XNUM ? ranges + 1 : PN_XNUM);
		assert_int_equal(elf.e_shnum, ranges + 1 < PN_XNUM ? 0 : 1);
		close(fd);
		unlink(fixture->path);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_every_frame),		TEST(test_headers),
		TEST(test_existing_file_stays), TEST(test_damage_leaves_no_file),
		TEST(test_many_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
