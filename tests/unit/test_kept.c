/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel B's memory in a file, and the machine that it belongs to. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crc32c.h"
#include "jump/jump.h"
#include "kjump/kept/copy.h"
#include "kjump/kept/file.h"
#include "kjump/kept/machine.h"

#define HOME_PFN   0x8000
#define HOME_PAGES 1024
#define LOW_PAGES  160

static char folder[] = "/tmp/kjump-test-kept.XXXXXX";
static char path[64];

/* --- the file --- */

/* Memory with a pattern that packs, pages that do not, and every third page zero. */
static unsigned char low[LOW_PAGES][FRAME_SIZE], home[HOME_PAGES][FRAME_SIZE];
static const struct kept_identity identity = { .kernel = 1,
					       .initramfs = 2,
					       .acpi = 3,
					       .pci = 4,
					       .disks = 5,
					       .cpus = 2,
					       .home_start = (uint64_t)HOME_PFN << FRAME_SHIFT,
					       .home_size = (uint64_t)HOME_PAGES << FRAME_SHIFT };

static void fill(unsigned char *page, unsigned number)
{
	if (number % 3 == 0) {
		memset(page, 0, FRAME_SIZE);
		return;
	}
	for (unsigned i = 0; i < FRAME_SIZE; i++)
		page[i] = number % 5 ? (unsigned char)(number + i / 64) : (unsigned char)rand();
}

static int make_folder(void **state)
{
	(void)state;
	srand(1);
	for (unsigned i = 0; i < LOW_PAGES; i++)
		fill(low[i], i);
	for (unsigned i = 0; i < HOME_PAGES; i++)
		fill(home[i], i + 7);
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/b.img", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static const void *page(void *context, uint64_t pfn, struct error *err)
{
	const uint64_t *bad = context;

	if (bad && pfn == *bad) {
		error_set(err, EIO, "no such page");
		return NULL;
	}
	return pfn < LOW_PAGES ? low[pfn] : home[pfn - HOME_PFN];
}

static int write_kept(const uint64_t *bad, struct error *err)
{
	struct run frames[] = { { 1, LOW_PAGES - 1 }, { HOME_PFN, HOME_PAGES } };
	const struct runs runs = { .v = frames, .n = 2 };
	uint64_t size;

	return kept_write(path, &identity, &runs, page, (void *)bad, &size, err);
}

static int read_kept(unsigned threads, unsigned char *low_copy, unsigned char *home_copy,
		     struct error *err)
{
	const struct kept_place places[] = { { HOME_PFN, HOME_PAGES, home_copy },
					     { 0, LOW_PAGES, low_copy } };
	struct kept_file file;
	int ret = kept_open(path, &file, err);

	if (ret)
		return ret;
	assert_memory_equal(&file.head.identity, &identity, sizeof(identity));
	ret = kept_read(&file, places, 2, threads, err);
	kept_close(&file);
	return ret;
}

static void test_same_memory(void **state)
{
	unsigned char *low_copy = calloc(LOW_PAGES, FRAME_SIZE);
	unsigned char *home_copy = calloc(HOME_PAGES, FRAME_SIZE);
	struct error err = { 0 };
	struct stat stat_;

	(void)state;
	assert_int_equal(write_kept(NULL, &err), 0);
	assert_int_equal(stat(path, &stat_), 0);
	assert_int_equal(stat_.st_mode & 07777, 0600);
	assert_true(stat_.st_size < HOME_PAGES * FRAME_SIZE / 2);
	for (unsigned threads = 1; threads <= 4; threads++) {
		memset(home_copy, 0, sizeof(home));
		assert_int_equal(read_kept(threads, low_copy, home_copy, &err), 0);
		assert_memory_equal(home_copy, home, sizeof(home));
		assert_memory_equal(low_copy + FRAME_SIZE, low[1], sizeof(low) - FRAME_SIZE);
	}
	free(low_copy);
	free(home_copy);
}

/* What was there stays when it cannot be written as a whole. */
static void test_failure_leaves_the_old_file(void **state)
{
	const uint64_t bad = HOME_PFN + 700;
	struct error err = { 0 };
	struct kept_file file;
	char beside[80];

	(void)state;
	assert_int_equal(write_kept(NULL, &err), 0);
	assert_int_equal(write_kept(&bad, &err), -EIO);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(kept_open(path, &file, &err), 0);
	kept_close(&file);
	snprintf(beside, sizeof(beside), "%s.new", path);
	assert_int_equal(access(beside, F_OK), -1);
}

static void flip(int fd, off_t at)
{
	unsigned char byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* Every byte of the head, and every 97th of the rest, and each length. */
static void test_damage_is_seen(void **state)
{
	unsigned char *low_copy = calloc(LOW_PAGES, FRAME_SIZE);
	unsigned char *home_copy = calloc(HOME_PAGES, FRAME_SIZE);
	struct error err = { 0 };
	off_t size;
	int fd;

	(void)state;
	assert_int_equal(write_kept(NULL, &err), 0);
	fd = open(path, O_RDWR);
	size = lseek(fd, 0, SEEK_END);
	for (off_t at = 0; at < size; at += at < KEPT_SIZE ? 13 : size / 61) {
		flip(fd, at);
		err.code = 0;
		assert_int_not_equal(read_kept(2, low_copy, home_copy, &err), 0);
		assert_true(err.code == EUCLEAN || err.code == ENOTSUP);
		flip(fd, at);
	}
	assert_int_equal(read_kept(2, low_copy, home_copy, &err), 0);
	for (off_t length = size - 1; length > 0; length -= size / 7) {
		assert_int_equal(ftruncate(fd, length), 0);
		assert_int_equal(read_kept(1, low_copy, home_copy, &err), -EUCLEAN);
	}
	close(fd);
	free(low_copy);
	free(home_copy);
}

/* A head that is whole and lies. */
static void test_wrong_heads(void **state)
{
	struct kept_head head, wrong;
	struct error err = { 0 };
	struct kept_file file;
	int fd;

	(void)state;
	assert_int_equal(write_kept(NULL, &err), 0);
	fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, &head, sizeof(head), 0), sizeof(head));
	for (unsigned i = 0; i < 9; i++) {
		wrong = head;
		switch (i) {
		case 0:
			wrong.identity.home_size = 0;
			break;
		case 1:
			wrong.identity.home_start += FRAME_SIZE;
			break;
		case 2:
			wrong.identity.home_size = UINT64_MAX & ~UINT64_C(0x1fffff);
			break;
		case 3:
			wrong.run_count = UINT64_MAX / 16 + 2;
			break;
		case 4:
			wrong.chunk_count--;
			break;
		case 5:
			wrong.lists += 24;
			break;
		case 6:
			wrong.identity.flags = 2;
			break;
		case 7:
			wrong.abi++;
			break;
		case 8:
			wrong.version++;
			break;
		}
		wrong.crc = 0;
		wrong.crc = crc32c(0, &wrong, sizeof(wrong));
		assert_int_equal(pwrite(fd, &wrong, sizeof(wrong), 0), sizeof(wrong));
		assert_int_equal(kept_open(path, &file, &err), i < 7 ? -EUCLEAN : -ENOTSUP);
	}
	close(fd);
}

/* It becomes a kernel. */
static void test_only_its_owner_may_write(void **state)
{
	struct error err = { 0 };
	struct kept_file file;
	char link[80];

	(void)state;
	assert_int_equal(write_kept(NULL, &err), 0);
	chmod(path, 0620);
	assert_int_equal(kept_open(path, &file, &err), -EPERM);
	chmod(path, 0600);
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(kept_open(link, &file, &err), -ELOOP);
	unlink(link);
	unlink(path);
	assert_int_equal(kept_open(path, &file, &err), -ENOENT);
}

/* Pages that are nobody's here go nowhere. */
static void test_foreign_pages(void **state)
{
	unsigned char *home_copy = calloc(HOME_PAGES, FRAME_SIZE);
	const struct kept_place places[] = { { HOME_PFN, HOME_PAGES, home_copy } };
	struct error err = { 0 };
	struct kept_file file;

	(void)state;
	assert_int_equal(write_kept(NULL, &err), 0);
	assert_int_equal(kept_open(path, &file, &err), 0);
	assert_int_equal(kept_read(&file, places, 1, 2, &err), -EUCLEAN);
	kept_close(&file);
	free(home_copy);
}

/* --- out of the running kernel's memory --- */

#define MEMORY_PAGES 4096 /* 16 MiB */
#define COPY_HOME    2048 /* at 8 MiB, of 2 MiB */
#define COPY_PAGES   512
#define LIST_PAGE    1100
#define FIRST_SOURCE 1200

/*
 * A core of 16 MiB, with the home at 8 MiB in it or (reserved) not, and the same memory by itself.
 * Low memory and the first COVERED pages of the home are swapped with pages from FIRST_SOURCE on;
 * each page begins with its number.
 */
static uint64_t make_memory(unsigned covered, bool reserved)
{
	const Elf64_Phdr loads[] = {
		{ .p_type = PT_LOAD, .p_offset = FRAME_SIZE, .p_filesz = COPY_HOME * FRAME_SIZE },
		{ .p_type = PT_LOAD,
		  .p_offset = FRAME_SIZE + COPY_HOME * FRAME_SIZE,
		  .p_paddr = COPY_HOME * FRAME_SIZE,
		  .p_filesz = (MEMORY_PAGES - COPY_HOME) * FRAME_SIZE },
	};
	const Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 },
				    .e_type = ET_CORE,
				    .e_machine = EM_X86_64,
				    .e_version = 1,
				    .e_phoff = sizeof(header),
				    .e_ehsize = sizeof(header),
				    .e_phentsize = sizeof(*loads),
				    .e_phnum = reserved ? 1 : 2 };
	unsigned char *bytes = calloc(1 + MEMORY_PAGES, FRAME_SIZE);
	uint64_t *list = (uint64_t *)(bytes + (1 + LIST_PAGE) * FRAME_SIZE);
	uint64_t source = FIRST_SOURCE;
	char name[80];
	FILE *file;

	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), loads, sizeof(loads));
	for (uint64_t pfn = 0; pfn < MEMORY_PAGES; pfn++) {
		/* Of the list's two pages the content is below. */
		if (pfn < LIST_PAGE || pfn > LIST_PAGE + 1)
			memcpy(bytes + (1 + pfn) * FRAME_SIZE, &pfn, sizeof(pfn));
	}
	*list++ = FRAME_SIZE | 1; /* low memory */
	for (unsigned i = 1; i < 158; i++)
		*list++ = source++ << FRAME_SHIFT | 8;
	*list++ = (uint64_t)COPY_HOME << FRAME_SHIFT | 1;
	for (unsigned i = 0; i < covered; i++)
		*list++ = source++ << FRAME_SHIFT | 8;
	*list = 4;
	snprintf(name, sizeof(name), "%s/kcore", folder);
	file = fopen(name, "w");
	fwrite(bytes, FRAME_SIZE, 1 + MEMORY_PAGES, file);
	fclose(file);
	snprintf(name, sizeof(name), "%s/mem", folder);
	file = fopen(name, "w");
	fwrite(bytes + FRAME_SIZE, FRAME_SIZE, MEMORY_PAGES, file);
	fclose(file);
	snprintf(name, sizeof(name), "%s/iomem", folder);
	file = fopen(name, "w");
	fprintf(file, "00001000-0009dfff : System RAM\n00100000-%08x : System RAM\n",
		(reserved ? COPY_HOME : MEMORY_PAGES) * FRAME_SIZE - 1);
	fclose(file);
	free(bytes);
	return (uint64_t)LIST_PAGE << FRAME_SHIFT | 2;
}

static int copy(uint64_t list, struct error *err)
{
	const struct kept_identity where = { .home_start = COPY_HOME * FRAME_SIZE,
					     .home_size = COPY_PAGES * FRAME_SIZE };
	char kcore[80], iomem[80], mem[80];
	const struct kept_paths paths = { kcore, iomem, mem };
	uint64_t size;

	snprintf(kcore, sizeof(kcore), "%s/kcore", folder);
	snprintf(iomem, sizeof(iomem), "%s/iomem", folder);
	snprintf(mem, sizeof(mem), "%s/mem", folder);
	return kept_copy(&paths, list, &where, path, &size, err);
}

/* Each page of low memory and of the home is what lay in its place while kernel B ran. */
static void check_copy(unsigned covered)
{
	unsigned char *low_copy = calloc(LOW_PAGES, FRAME_SIZE);
	unsigned char *home_copy = calloc(COPY_PAGES, FRAME_SIZE);
	const struct kept_place places[] = { { 0, LOW_PAGES, low_copy },
					     { COPY_HOME, COPY_PAGES, home_copy } };
	struct error err = { 0 };
	struct kept_file file;
	uint64_t number, source = FIRST_SOURCE;

	assert_int_equal(kept_open(path, &file, &err), 0);
	assert_int_equal(kept_read(&file, places, 2, 2, &err), 0);
	kept_close(&file);
	for (unsigned i = 0; i < LOW_PAGES; i++) {
		memcpy(&number, low_copy + i * FRAME_SIZE, sizeof(number));
		assert_int_equal(number, i && i < 158 ? source++ : 0);
	}
	for (unsigned i = 0; i < COPY_PAGES; i++) {
		memcpy(&number, home_copy + i * FRAME_SIZE, sizeof(number));
		assert_int_equal(number, i < covered ? source++ : COPY_HOME + i);
	}
	free(low_copy);
	free(home_copy);
}

static void test_copy(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(copy(make_memory(300, false), &err), 0);
	check_copy(300);
	/* A home that is none of the system's memory, with kernel B's kernel alone swapped. */
	assert_int_equal(copy(make_memory(40, true), &err), 0);
	check_copy(40);
	/* A list that leads elsewhere is no list. */
	assert_int_equal(copy((uint64_t)(LIST_PAGE + 1) << FRAME_SHIFT | 2, &err), -EUCLEAN);
	check_copy(40);
}

/* --- the machine --- */

static void put(const char *name, const char *text)
{
	char file[256], *slash;
	FILE *out;

	snprintf(file, sizeof(file), "%s/sys/%s", folder, name);
	for (slash = file + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(file, 0700);
		*slash = '/';
	}
	out = fopen(file, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void point(const char *name, const char *target)
{
	char file[256];

	snprintf(file, sizeof(file), "%s/sys/%s", folder, name);
	unlink(file);
	put(name, "");
	unlink(file);
	assert_int_equal(symlink(target, file), 0);
}

#define CONTROLLER "devices/pci0000:00/0000:00:1f.2"
#define DISK	   CONTROLLER "/ata1/host0/target0:0:0/0:0:0:0/block/sda"
#define STICK	   "devices/pci0000:00/0000:00:14.0/usb1/1-1/host6/target6:0:0/6:0:0:0/block/sdb"

static void make_machine(void)
{
	put("firmware/acpi/tables/DSDT", "the machine");
	put("firmware/acpi/tables/SSDT1", "and more of it");
	put("firmware/acpi/tables/FACS", "written to");
	put("firmware/acpi/tables/dynamic/SSDT2", "loaded");
	put("firmware/acpi/tables/data/BERT", "an error");
	put(CONTROLLER "/vendor", "0x8086\n");
	put(CONTROLLER "/device", "0x2922\n");
	put(CONTROLLER "/class", "0x010601\n");
	put(CONTROLLER "/resource", "0x00000000febf5000 0x00000000febf5fff 0x0000000000040200\n");
	put("bus/pci/drivers/ahci/bind", "");
	point(CONTROLLER "/driver", "../../../bus/pci/drivers/ahci");
	point("bus/pci/devices/0000:00:1f.2", "../../../" CONTROLLER);
	put(DISK "/size", "2097152\n");
	put(DISK "/sda1/partition", "1\n");
	put(DISK "/sda1/start", "2048\n");
	put(DISK "/sda1/size", "4096\n");
	point(DISK "/device", "../../../0:0:0:0");
	point("class/block/sda", "../../" DISK);
	point("class/block/sda1", "../../" DISK "/sda1");
}

static struct kept_identity look(void)
{
	struct kept_identity ret = { .cpus = 2 };
	struct error err = { 0 };
	char sys[80];

	snprintf(sys, sizeof(sys), "%s/sys", folder);
	assert_int_equal(kept_machine_read(sys, &ret, &err), 0);
	return ret;
}

static void differs(const struct kept_identity *then, const char *word)
{
	struct kept_identity now = look();
	const char *difference = kept_difference(then, &now);

	if (!word) {
		assert_null(difference);
	} else {
		assert_non_null(difference);
		assert_non_null(strstr(difference, word));
	}
}

static void test_machine(void **state)
{
	struct kept_identity then, other;

	(void)state;
	make_machine();
	then = look();
	assert_true(then.acpi && then.pci && then.disks);
	differs(&then, NULL);
	/* What goes on in a machine that is the same. */
	put("firmware/acpi/tables/FACS", "written to again");
	put("firmware/acpi/tables/dynamic/SSDT3", "loaded, too");
	put("bus/pci/drivers/other/bind", "");
	point(CONTROLLER "/driver", "../../../bus/pci/drivers/other");
	put(STICK "/size", "1048576\n");
	point(STICK "/device", "../../../6:0:0:0");
	point("class/block/sdb", "../../" STICK);
	differs(&then, NULL);
	/* What makes it another one. */
	put(DISK "/sda1/start", "4096\n");
	differs(&then, "partitions");
	put(DISK "/sda1/start", "2048\n");
	put(DISK "/size", "2097153\n");
	differs(&then, "disks");
	put(DISK "/size", "2097152\n");
	put(CONTROLLER "/resource", "0x00000000febf6000 0x00000000febf6fff 0x0000000000040200\n");
	differs(&then, "PCI");
	put("firmware/acpi/tables/DSDT", "a newer BIOS");
	differs(&then, "ACPI");
	other = then;
	other.kernel++;
	assert_non_null(strstr(kept_difference(&then, &other), "kernel is"));
	other = then;
	other.initramfs++;
	assert_non_null(strstr(kept_difference(&then, &other), "initramfs"));
	other = then;
	other.cpus++;
	assert_non_null(strstr(kept_difference(&then, &other), "CPUs"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_memory),
		cmocka_unit_test(test_failure_leaves_the_old_file),
		cmocka_unit_test(test_damage_is_seen),
		cmocka_unit_test(test_wrong_heads),
		cmocka_unit_test(test_only_its_owner_may_write),
		cmocka_unit_test(test_foreign_pages),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_machine),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
