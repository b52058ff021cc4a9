/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether images are sealed, and whether the next boot has what opens them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmocka.h>

#include "kjump/check/checks.h"
#include "kjump/key/container.h"
#include "kjump/paths.h"
#include "seal/keys.h"
#include "tests/unit/fake-root.h"

#define UUID	   "857ad566-c256-4667-ba6b-c6fe8caf6c20"
#define OTHER_UUID "11111111-c256-4667-ba6b-c6fe8caf6c20"
#define PAIR_UUID  "11111111-c256-8667-ba6b-c6fe8caf6c20"
#define PASSPHRASE "{\"keyslots\":{\"0\":{}}}"
#define TPM                                                                                        \
	"{\"keyslots\":{\"0\":{}},\"tokens\":{\"0\":{\"type\":\"systemd-tpm2\","                   \
	"\"keyslots\":[\"0\"]}}}"

/* The head of a container, and some of what follows, at PATH of the machine. */
static void put_container(const char *path, const char *uuid, unsigned char changes,
			  const char *text)
{
	static unsigned char bytes[100000];

	memset(bytes, 0x5a, sizeof(bytes));
	memset(bytes, 0, 16384);
	memcpy(bytes, "LUKS\xba\xbe\0\x02\0\0\0\0\0\0\x40\0", 16);
	bytes[23] = changes;
	memcpy(bytes + 168, uuid, strlen(uuid));
	strcpy((char *)bytes + 4096, text);
	put_bytes(path, bytes, sizeof(bytes));
}

static void put_sender(mode_t mode)
{
	char full[512];

	struct restore_key restore;
	struct sender_key sender;
	struct error err;

	put(PATH_SENDER, "");
	snprintf(full, sizeof(full), "%s" PATH_SENDER, root);
	assert_int_equal(unlink(full), 0);
	assert_int_equal(keys_make(&restore, &sender, &err), 0);
	assert_int_equal(keys_write_sender(full, &sender, &err), 0);
	assert_int_equal(chmod(full, mode), 0);
}

static void test_sealed(void **state)
{
	(void)state;
	assert_int_equal(check_sealed(&preflight, &note), 0);
	assert_string_equal(note.text, "no: there is no key");
	config.seal = SEAL_YES;
	assert_int_equal(check_sealed(&preflight, &note), -ENOENT);
	config.seal = SEAL_AUTO;
	put_sender(0600);
	assert_int_equal(check_sealed(&preflight, &note), -ENOENT);
	assert_non_null(strstr(note.text, "key.luks"));
	put_container(PATH_KEY, UUID, 3, PASSPHRASE);
	assert_int_equal(check_sealed(&preflight, &note), 0);
	assert_string_equal(note.text, "sealed; opened by: passphrase");
	/* A TPM that is replaced, and a firmware that is updated, would lose it. */
	put_container(PATH_KEY, UUID, 3, TPM);
	assert_int_equal(check_sealed(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(preflight.advice, "--recovery-key"));
	/* What cryptsetup luksErase leaves. */
	put_container(PATH_KEY, UUID, 3, "{\"keyslots\":{}}");
	advises(check_sealed, EKEYREJECTED, "kjump key create");
	put(PATH_KEY, "something else");
	assert_int_equal(check_sealed(&preflight, &note), -EUCLEAN);
	/* Made by kjump with another sender's key. */
	put_container(PATH_KEY, PAIR_UUID, 3, PASSPHRASE);
	advises(check_sealed, EKEYREJECTED, "kjump key create");
	assert_non_null(strstr(note.text, "of another pair"));
	put_container(PATH_KEY, UUID, 3, PASSPHRASE);
	put_sender(0640);
	advises(check_sealed, EKEYREJECTED, "kjump key create");
	/* No key at all, though it lies where one should and nobody else reads it. */
	put_sender(0600);
	put(PATH_SENDER, "something else");
	assert_int_equal(check_sealed(&preflight, &note), -ENODATA);
	config.seal = SEAL_NO;
	assert_int_equal(check_sealed(&preflight, &note), 0);
	assert_string_equal(note.text, "no, as seal says");
}

/* Encrypted disks are no reason to refuse a sealed image. */
static void test_encrypted_disks(void **state)
{
	(void)state;
	snprintf(preflight.disk.name, sizeof(preflight.disk.name), "/dev/vda4");
	put("/sys/class/block/vda4/size", "1");
	put("/sys/class/block/dm-1/dm/uuid", "CRYPT-LUKS2-1234-root\n");
	assert_int_equal(check_plaintext(&preflight, &note), -EOPNOTSUPP);
	assert_non_null(strstr(note.text, "kjump key create"));
	put_sender(0600);
	assert_int_equal(check_plaintext(&preflight, &note), 0);
	assert_non_null(strstr(note.text, "images are sealed"));
	config.seal = SEAL_NO;
	assert_int_equal(check_plaintext(&preflight, &note), -EOPNOTSUPP);
}

/* An initramfs for the running kernel, or a newer one, of what lies in /tree of the machine. */
static void pack(bool newer)
{
	struct utsname here;
	char command[1024];

	assert_int_equal(uname(&here), 0);
	put("/boot/x", "");
	snprintf(command, sizeof(command),
		 "cd %s/tree && find . | cpio --quiet -o -H newc | gzip > '%s/boot/initrd.img-%s'",
		 root, root, newer ? "99.0.0" : here.release);
	assert_int_equal(system(command), 0);
	/* Times are told apart by seconds. */
	snprintf(command, sizeof(command), "touch -d @1000 %s/boot/initrd.img-%s", root,
		 here.release);
	assert_int_equal(newer || !system(command), true);
}

#define IN_TREE "/tree/etc/kjump/key.luks"

static void test_unlocked(void **state)
{
	(void)state;
	assert_int_equal(check_unlocked(&preflight, &note), 0);
	put_sender(0600);
	assert_int_equal(check_unlocked(&preflight, &note), -ENOENT);
	put_container(PATH_KEY, UUID, 3, PASSPHRASE);
	assert_int_equal(check_unlocked(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "no initramfs"));

	put("/tree/sbin/kjump-restore", "program");
	pack(false);
	assert_int_equal(check_unlocked(&preflight, &note), -ENOKEY);
	assert_non_null(strstr(note.text, "has no key"));
	put_container(IN_TREE, UUID, 3, PASSPHRASE);
	pack(false);
	assert_int_equal(check_unlocked(&preflight, &note), -ENOKEY);
	assert_non_null(strstr(note.text, "no cryptsetup"));
	put("/tree/usr/sbin/cryptsetup", "program");
	pack(false);
	assert_int_equal(check_unlocked(&preflight, &note), 0);
	assert_non_null(strstr(note.text, "opened by: passphrase"));

	/* Something was enrolled since it was made: it opens by the old ways only. */
	put_container(PATH_KEY, UUID, 4, TPM);
	assert_int_equal(check_unlocked(&preflight, &note), PREFLIGHT_DOUBT);
	assert_non_null(strstr(note.text, "before it was changed: passphrase"));
	put_container(IN_TREE, UUID, 4, TPM);
	pack(false);
	assert_int_equal(check_unlocked(&preflight, &note), 0);
	assert_non_null(strstr(note.text, "opened by: TPM2"));

	/* Another one may boot next. */
	put_container(IN_TREE, OTHER_UUID, 4, TPM);
	pack(true);
	assert_int_equal(check_unlocked(&preflight, &note), -ENOKEY);
	assert_non_null(strstr(note.text, "99.0.0 has another key"));
	put(IN_TREE, "cut off");
	pack(true);
	assert_int_equal(check_unlocked(&preflight, &note), -ENOKEY);

	/* What is saved in clear is refused by an initramfs with a key, if nobody allows it. */
	config.seal = SEAL_NO;
	advises(check_unlocked, EKEYREJECTED, "rd.kjump.unsealed=1");
	put("/proc/cmdline", "quiet rd.kjump.unsealed=1\n");
	assert_int_equal(check_unlocked(&preflight, &note), 0);
	put("/proc/cmdline", "rd.kjump.unsealed=no\n");
	assert_int_equal(check_unlocked(&preflight, &note), -EKEYREJECTED);
	drop(IN_TREE);
	pack(true);
	pack(false);
	assert_int_equal(check_unlocked(&preflight, &note), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sealed),
		TEST(test_encrypted_disks),
		TEST(test_unlocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
