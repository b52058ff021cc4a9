/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Core files saved as images: read back page by page, and what must not be overwritten. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "fake-kernel.h"
#include "image/image.h"
#include "memory/backend.h"
#include "writer/dump.h"
#include "writer/output.h"

#define NOTE_SIZE 8192
#define LOAD_AT	  (UINT64_C(3) << 12) /* in the file, behind headers and note */
#define FREE_PFN  2048
#define FREE_SIZE 1024

/* A made-up kernel's memory as a core file, and a folder for what is made of it. */
struct fixture {
	struct fake_kernel kernel;
	char folder[40], core[64], image[64];
	struct write_options options;
	unsigned parts; /* segments of the second run */
};

#define PARTS_MAX 8

static void put(int fd, uint64_t at, const void *bytes, size_t size)
{
	assert_int_equal(pwrite(fd, bytes, size, (off_t)at), size);
}

/* Program headers at the end of the file, as QEMU has them. */
static void write_core(struct fixture *fixture, bool with_note)
{
	struct fake_kernel *kernel = &fixture->kernel;
	uint64_t at = LOAD_AT;
	Elf64_Ehdr header = { .e_type = ET_CORE,
			      .e_machine = EM_X86_64,
			      .e_phentsize = sizeof(Elf64_Phdr),
			      .e_phnum = 2 };
	Elf64_Phdr headers[2 + PARTS_MAX] = { { .p_type = PT_NOTE, .p_offset = FRAME_SIZE } };
	Elf64_Nhdr note = { .n_namesz = 11, .n_descsz = (Elf64_Word)strlen(kernel->vmcoreinfo) };
	int fd = open(fixture->core, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	put(fd, FRAME_SIZE, &note, sizeof(note));
	put(fd, FRAME_SIZE + 12, with_note ? "VMCOREINFO" : "SOMETHING ", 11);
	put(fd, FRAME_SIZE + 24, kernel->vmcoreinfo, note.n_descsz);
	headers[0].p_filesz = 24 + note.n_descsz;
	/* The second run in as many segments as the fixture wishes, the last one first in the file.
	 */
	header.e_phnum += fixture->parts;
	for (unsigned i = 0; i <= fixture->parts; i++) {
		const struct run *run = &kernel->ram.v[i > 0];
		uint64_t first = i ? run->count * (i - 1) / fixture->parts : 0;
		uint64_t end = i ? run->count * i / fixture->parts : run->count;
		uint64_t size = (end - first) << FRAME_SHIFT;

		headers[header.e_phnum - 1 - i] =
			(Elf64_Phdr){ .p_type = PT_LOAD,
				      .p_offset = at,
				      .p_paddr = (run->pfn + first) << FRAME_SHIFT,
				      .p_filesz = size,
				      .p_memsz = size };
		put(fd, at, kernel->bytes + ((run->pfn + first) << FRAME_SHIFT), size);
		at += size;
	}
	memcpy(header.e_ident, ELFMAG, SELFMAG);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_phoff = at;
	put(fd, at, headers, sizeof(headers));
	put(fd, 0, &header, sizeof(header));
	close(fd);
}

static int setup(void **state)
{
	static const struct kernel_version version = { "6.12", 0xf0000000, 0xf1000000, true, false,
						       16,     20,	   false,      false };
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct fake_kernel *kernel = &fixture->kernel;

	assert_non_null(fixture);
	kernel_create(kernel, &version);
	kernel_set_free(kernel, FREE_PFN, 10);
	kernel_set_counter(kernel, kernel->counted);
	/* Something in free and in used memory, on both sides of the hole. */
	memset(kernel->bytes + (FREE_PFN << FRAME_SHIFT), 0x11, FREE_SIZE << FRAME_SHIFT);
	for (uint64_t at = 20 * KERNEL_MIB; at < 23 * KERNEL_MIB + 5 * FRAME_SIZE; at += 8)
		kernel_put64(kernel, at, at * at * 0x9e3779b97f4a7c15ULL);
	memset(kernel->bytes + 52 * KERNEL_MIB, 0x22, 100 * FRAME_SIZE);

	strcpy(fixture->folder, "/tmp/kjump-dump-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->core, sizeof(fixture->core), "%s/core", fixture->folder);
	snprintf(fixture->image, sizeof(fixture->image), "%s/image", fixture->folder);
	fixture->parts = 1;
	write_core(fixture, true);
	fixture->options = (struct write_options){
		.vmcore = fixture->core,
		.output = fixture->image,
		.level = 1,
		.workers = 2,
		.quiet = true,
	};
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	kernel_destroy(&fixture->kernel);
	unlink(fixture->core);
	unlink(fixture->image);
	assert_int_equal(rmdir(fixture->folder), 0);
	free(fixture);
	return 0;
}

static int keep(void *context, size_t number, const struct image_chunk *chunk,
		const struct run *runs, const void *pages, struct error *err)
{
	unsigned char *bytes = context;
	const unsigned char *page = pages;

	(void)number;
	(void)err;
	for (uint32_t i = 0; i < chunk->run_count; i++) {
		memcpy(bytes + (runs[i].pfn << FRAME_SHIFT), page, runs[i].count << FRAME_SHIFT);
		page += runs[i].count << FRAME_SHIFT;
	}
	return 0;
}

/* Compare the image with the kernel's memory, but for COUNT frames from PFN. */
static struct image_super check_image(struct fixture *fixture, uint64_t pfn, uint64_t count)
{
	struct fake_kernel *kernel = &fixture->kernel;
	struct image_index index = { 0 };
	struct image_super super;
	struct error err = { 0 };
	unsigned char *bytes = calloc(1, KERNEL_RAM);
	struct disk disk;

	assert_non_null(bytes);
	assert_int_equal(disk_open(fixture->image, DISK_READ, &disk, &err), 0);
	assert_int_equal(image_super_read(&disk, &super, &err), 0);
	assert_int_equal(super.state, IMAGE_VALID);
	assert_int_equal(super.kind, IMAGE_CORE);
	assert_int_equal(image_verify(&disk, &super, NULL, 1, NULL, &err), 0);
	assert_int_equal(image_index_read(&disk, &super, NULL, &index, &err), 0);
	assert_int_equal(index.machine.entry, 0);
	assert_int_equal(image_read_chunks(&disk, &index, 1,
					   &(struct image_sink){ .take = keep, .context = bytes },
					   &err),
			 0);
	for (size_t i = 0; i < kernel->ram.n; i++) {
		const struct run *run = &kernel->ram.v[i];

		for (uint64_t p = run->pfn; p < run->pfn + run->count; p++) {
			if (p >= pfn && p - pfn < count)
				continue;
			assert_memory_equal(bytes + (p << FRAME_SHIFT),
					    kernel->bytes + (p << FRAME_SHIFT), FRAME_SIZE);
		}
	}
	image_index_free(&index);
	disk_close(&disk);
	free(bytes);
	return super;
}

static void test_new_file(void **state)
{
	struct fixture *fixture = *state;
	struct image_super super;
	struct stat st;

	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	super = check_image(fixture, FREE_PFN, FREE_SIZE);
	assert_int_equal(super.free_pages, FREE_SIZE);
	assert_int_equal(super.ram_pages, runs_total(&fixture->kernel.ram));
	assert_string_equal(super.release, "6.12");
	/* No larger than it needs to be, but for the smallest size there is. */
	assert_int_equal(stat(fixture->image, &st), 0);
	assert_int_equal(st.st_size, super.device_size);
	assert_int_equal(st.st_size, IMAGE_MIN_SIZE);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_all(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.all = true;
	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	assert_int_equal(check_image(fixture, 0, 0).free_pages, 0);
}

static void test_large_file(void **state)
{
	struct fixture *fixture = *state;
	struct image_super super;
	struct stat st;
	uint64_t seed = 1;

	for (uint64_t at = 24 * KERNEL_MIB; at < 48 * KERNEL_MIB; at += 8) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		kernel_put64(&fixture->kernel, at, seed ^ seed >> 31);
	}
	write_core(fixture, true);
	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	super = check_image(fixture, FREE_PFN, FREE_SIZE);
	assert_int_equal(stat(fixture->image, &st), 0);
	assert_int_equal(st.st_size, IMAGE_DATA_START + super.device_bytes + IMAGE_TAIL);
	assert_true(st.st_size > 24 * (off_t)KERNEL_MIB);
}

static void test_no_vmcoreinfo(void **state)
{
	struct fixture *fixture = *state;

	write_core(fixture, false);
	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	assert_int_equal(check_image(fixture, 0, 0).free_pages, 0);
}

static void test_automatic_level(void **state)
{
	struct fixture *fixture = *state;

	fixture->options.level = LEVEL_AUTO;
	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	check_image(fixture, FREE_PFN, FREE_SIZE);
}

static void test_level_0_stores(void **state)
{
	struct image_super super;
	struct fixture *fixture = *state;

	fixture->options.level = LEVEL_STORED;
	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	super = check_image(fixture, FREE_PFN, FREE_SIZE);
	assert_int_equal(super.stored_bytes, super.data_pages * FRAME_SIZE);
}

static void test_over_its_like(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	memset(fixture->kernel.bytes + 30 * KERNEL_MIB, 0x33, KERNEL_MIB);
	write_core(fixture, true);
	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	check_image(fixture, FREE_PFN, FREE_SIZE);
}

/* Segments that touch, as of a guest whose memory has several backends. */
static void test_touching_segments(void **state)
{
	struct fixture *fixture = *state;

	fixture->parts = 7;
	write_core(fixture, true);
	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	check_image(fixture, FREE_PFN, FREE_SIZE);
}

/* What would be lost is more than the image that the new one is like. */
static void test_several_images(void **state)
{
	struct fixture *fixture = *state;
	struct write_options add = fixture->options, wrong = fixture->options;

	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	add.base = add.output;
	add.output = NULL;
	assert_int_equal(dump_run(&add), EXIT_DONE);
	assert_int_equal(dump_run(&fixture->options), EXIT_FAILED);
	check_image(fixture, FREE_PFN, FREE_SIZE);
	/* Of a key that is not there is known before anything is emptied. */
	wrong.force = true;
	wrong.seal = "/nonexistent";
	assert_int_equal(dump_run(&wrong), EXIT_FAILED);
	check_image(fixture, FREE_PFN, FREE_SIZE);
	fixture->options.force = true;
	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	check_image(fixture, FREE_PFN, FREE_SIZE);
}

static void test_foreign_file(void **state)
{
	struct fixture *fixture = *state;
	char text[8] = "";
	int fd = open(fixture->image, O_RDWR | O_CREAT, 0600);

	put(fd, 0, "letter", 7);
	assert_int_equal(dump_run(&fixture->options), EXIT_FAILED);
	assert_int_equal(pread(fd, text, 7, 0), 7);
	assert_string_equal(text, "letter");
	fixture->options.force = true;
	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	check_image(fixture, FREE_PFN, FREE_SIZE);
	close(fd);
}

/* A file that was claimed by hand is somebody's target. */
static void test_claimed_file(void **state)
{
	struct fixture *fixture = *state;
	struct image_super super, after;
	struct error err;
	struct disk disk;
	int fd = open(fixture->image, O_RDWR | O_CREAT, 0600);

	assert_int_equal(ftruncate(fd, 20 * KERNEL_MIB), 0);
	close(fd);
	assert_int_equal(disk_open(fixture->image, DISK_WRITE, &disk, &err), 0);
	assert_int_equal(image_format(&disk, NULL, &super, &err), 0);
	assert_int_equal(dump_run(&fixture->options), EXIT_FAILED);
	assert_int_equal(image_super_read(&disk, &after, &err), 0);
	assert_memory_equal(&super, &after, sizeof(super));
	disk_close(&disk);
}

static void test_nothing_left_behind(void **state)
{
	struct fixture *fixture = *state;

	/* Cut short: the load segments reach beyond the end. */
	assert_int_equal(truncate(fixture->core, LOAD_AT), 0);
	assert_int_equal(dump_run(&fixture->options), EXIT_FAILED);
	assert_int_equal(access(fixture->image, F_OK), -1);
	fixture->options.vmcore = "/nowhere";
	assert_int_equal(dump_run(&fixture->options), EXIT_FAILED);
	assert_int_equal(access(fixture->image, F_OK), -1);
}

/* A save that fails once the file is there takes the file away again. */
static void test_failed_save(void **state)
{
	struct fixture *fixture = *state;
	struct memory *memory;
	struct output output;
	struct error err;

	assert_int_equal(memory_open(fixture->core, &memory, &err), 0);
	assert_int_equal(output_open(&output, fixture->image, memory, 100, false, &err), 0);
	assert_int_equal(access(fixture->image, F_OK), 0);
	output_close(&output, false);
	assert_int_equal(access(fixture->image, F_OK), -1);
	memory_close(memory);
}

/* One that was there before stays, empty: it may be a link to somewhere else. */
static void test_failed_save_over_another(void **state)
{
	struct fixture *fixture = *state;
	struct memory *memory;
	struct output output;
	struct error err;
	struct stat st;
	int fd = open(fixture->image, O_RDWR | O_CREAT, 0600);

	put(fd, 0, "letter", 7);
	close(fd);
	assert_int_equal(memory_open(fixture->core, &memory, &err), 0);
	assert_int_equal(output_open(&output, fixture->image, memory, 100, true, &err), 0);
	output_close(&output, false);
	assert_int_equal(stat(fixture->image, &st), 0);
	assert_int_equal(st.st_size, 0);
	memory_close(memory);
}

static void expect_refused(struct fixture *fixture)
{
	for (int force = 0; force < 2; force++) {
		fixture->options.force = force;
		assert_int_equal(dump_run(&fixture->options), EXIT_FAILED);
	}
}

/* Programs that remove their half-written output have removed /dev/null. */
static void test_nodes(void **state)
{
	static const mode_t kinds[] = { S_IFCHR, S_IFIFO, S_IFSOCK, S_IFDIR };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct stat before, after;
		int made = kinds[i] == S_IFDIR
				   ? mkdir(fixture->image, 0700)
				   : mknod(fixture->image, kinds[i] | 0600, makedev(1, 3));

		if (made && kinds[i] == S_IFCHR) { /* takes root, but a link to it does not */
			assert_int_equal(errno, EPERM);
			made = symlink("/dev/null", fixture->image);
		}
		assert_int_equal(made, 0);
		assert_int_equal(lstat(fixture->image, &before), 0);
		expect_refused(fixture);
		assert_int_equal(lstat(fixture->image, &after), 0);
		assert_int_equal(after.st_ino, before.st_ino);
		assert_int_equal(after.st_mode, before.st_mode);
		assert_int_equal(remove(fixture->image), 0);
	}
	assert_int_equal(access("/dev/null", W_OK), 0);
}

/* What cannot be mapped is no source, and nobody waits for somebody to write into it. */
static void test_pipe_as_source(void **state)
{
	struct fixture *fixture = *state;
	struct stat st;

	assert_int_equal(unlink(fixture->core), 0);
	assert_int_equal(mkfifo(fixture->core, 0600), 0);
	alarm(30);
	expect_refused(fixture);
	alarm(0);
	assert_int_equal(stat(fixture->core, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(access(fixture->image, F_OK), -1);
}

static void test_source_is_output(void **state)
{
	struct fixture *fixture = *state;
	struct stat before, after;

	assert_int_equal(stat(fixture->core, &before), 0);
	fixture->options.output = fixture->core;
	expect_refused(fixture);
	/* By another name, too. */
	assert_int_equal(symlink(fixture->core, fixture->image), 0);
	fixture->options.output = fixture->image;
	expect_refused(fixture);
	unlink(fixture->image);
	assert_int_equal(link(fixture->core, fixture->image), 0);
	expect_refused(fixture);
	assert_int_equal(stat(fixture->core, &after), 0);
	assert_int_equal(after.st_size, before.st_size);
	assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

/* Two that write to one file at once would both say that their image is there. */
static void test_two_writers(void **state)
{
	struct fixture *fixture = *state;
	struct stat before, after;
	int fd;

	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
	fd = open(fixture->image, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &before), 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	expect_refused(fixture);
	fixture->options.base = fixture->image;
	fixture->options.output = NULL;
	expect_refused(fixture);
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	close(fd);
	fixture->options.force = false;
	assert_int_equal(dump_run(&fixture->options), EXIT_DONE);
}

static bool attach_loop(const char *file, char device[64])
{
	char command[512];
	FILE *pipe;
	bool done;

	snprintf(command, sizeof(command), "/sbin/losetup --show -f %s 2> /dev/null", file);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	done = fgets(device, 64, pipe);
	device[strcspn(device, "\n")] = '\0';
	return !pclose(pipe) && done;
}

/* As a loop device the source has another name and another number, and is the same file. */
static void test_source_on_a_loop_device(void **state)
{
	struct fixture *fixture = *state;
	char device[64], command[128];
	struct memory *memory;
	struct error err = { 0 };
	int fd;

	if (geteuid() || !attach_loop(fixture->core, device)) {
		print_message("no loop device to be had here\n");
		skip();
	}
	assert_int_equal(memory_create(device, O_RDONLY, &memory, &err), 0);
	fd = open(fixture->core, O_RDONLY);
	assert_true(fd >= 0);
	assert_true(memory_is_read_from(memory, fd));
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	assert_false(memory_is_read_from(memory, fd));
	close(fd);
	memory_close(memory);
	snprintf(command, sizeof(command), "/sbin/losetup -d %s", device);
	assert_int_equal(system(command), 0);
}

/* The memory of a machine is for nobody who did not ask for it. */
static void test_open_to_others(void **state)
{
	static const mode_t modes[] = { 0666, 0640, 0604, 0660 };
	struct fixture *fixture = *state;
	struct stat st;
	char name[80];
	int fd = open(fixture->image, O_RDWR | O_CREAT, 0600);

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		assert_int_equal(fchmod(fd, modes[i]), 0);
		expect_refused(fixture);
	}
	assert_int_equal(fchmod(fd, 0600), 0);
	snprintf(name, sizeof(name), "%s.other", fixture->image);
	assert_int_equal(link(fixture->image, name), 0);
	expect_refused(fixture);
	unlink(name);
	if (!geteuid()) { /* only root can make a file of another user */
		assert_int_equal(fchown(fd, 1234, 1234), 0);
		expect_refused(fixture);
	}
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_new_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_vmcoreinfo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_automatic_level, setup, teardown),
		cmocka_unit_test_setup_teardown(test_level_0_stores, setup, teardown),
		cmocka_unit_test_setup_teardown(test_over_its_like, setup, teardown),
		cmocka_unit_test_setup_teardown(test_touching_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several_images, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_claimed_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_left_behind, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_save, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed_save_over_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pipe_as_source, setup, teardown),
		cmocka_unit_test_setup_teardown(test_source_is_output, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_writers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_source_on_a_loop_device, setup, teardown),
		cmocka_unit_test_setup_teardown(test_open_to_others, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
