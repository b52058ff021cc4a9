/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The container and the sender's key. cryptsetup is the real one, but for opening, which takes a
 * device mapper: a script in its place checks the passphrase and has a file for the mapping.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "kjump/key/container.h"
#include "kjump/key/files.h"
#include "kjump/key/sealing.h"

#define PASSPHRASE "correct horse"

static char folder[] = "/tmp/kjump-key-XXXXXX";
static char container[64], sender[64], program[64], words[64];
static struct cryptsetup cryptsetup = { program, folder };
static struct error err;

/* Opening fails after FAIL= was put into a file; what is written as fast as can be. */
static const char script[] =
	"#!/bin/sh\n"
	"cd \"${0%/*}\" && echo \"$@\" >> words\n"
	"tr '\\0' '\\n' < /proc/$$/environ >> words\n"
	"[ ! -e \"fail-$1\" ] || { echo 'one line' >&2; echo 'it is broken.' >&2; "
	"echo 'WARNING: an area is small.' >&2; exit 4; }\n"
	"case $1 in\n"
	"luksFormat) exec cryptsetup \"$@\" --pbkdf pbkdf2 --pbkdf-force-iterations 1000 ;;\n"
	"open)\n"
	"    for word; do file=$last last=$word; done\n"
	"    cryptsetup open --test-passphrase --key-file - \"$file\" || exit\n"
	"    [ -e payload ] || head -c 4096 /dev/zero > payload\n"
	"    cp payload \"$last\"\n"
	"    ;;\n"
	"close) mv \"$3\" payload ;;\n"
	"esac\n";

static void write_file(const char *path, const void *bytes, size_t size, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void shell(const char *command)
{
	char full[1024];

	snprintf(full, sizeof(full), "cd %s && %s", folder, command);
	assert_int_equal(system(full), 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(container, sizeof(container), "%s/key.luks", folder);
	snprintf(sender, sizeof(sender), "%s/sender.key", folder);
	snprintf(program, sizeof(program), "%s/cryptsetup", folder);
	snprintf(words, sizeof(words), "%s/words", folder);
	write_file(program, script, strlen(script), 0700);
	err = (struct error){ 0 };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	shell("rm -rf \"$PWD\"");
	return 0;
}

static struct passphrase passphrase_of(const char *text)
{
	struct passphrase ret = { .size = strlen(text) };

	memcpy(ret.bytes, text, ret.size);
	return ret;
}

static int create(const char *text)
{
	struct passphrase passphrase = passphrase_of(text);

	return key_create(&cryptsetup, container, sender, &passphrase, &err);
}

static bool is_there(const char *path)
{
	return !access(path, F_OK);
}

/* Open it as a script does. The real key_open() lets cryptsetup ask on the standard input. */
static int open_with(const char *text, struct restore_key *key)
{
	int ends[2], before = dup(STDIN_FILENO), rc;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	close(ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	rc = key_open(&cryptsetup, container, key, &err);
	dup2(before, STDIN_FILENO);
	close(before);
	return rc;
}

/* A sender's key of another pair makes images that the container does not open. */
static void test_pair(void **state)
{
	struct container found;
	struct sender_key other;
	struct restore_key key;

	(void)state;
	assert_int_equal(create(PASSPHRASE), 0);
	assert_int_equal(container_read(container, &found, &err), 0);
	assert_int_equal(found.uuid[14], '8');
	assert_non_null(strchr("89ab", found.uuid[19]));
	assert_int_equal(key_belongs(sender, container, &found, &err), 0);
	/* The same container with whatever unlocks it. */
	shell("cryptsetup config --label other key.luks");
	assert_int_equal(container_read(container, &found, &err), 0);
	assert_int_equal(key_belongs(sender, container, &found, &err), 0);

	assert_int_equal(keys_make(&key, &other, &err), 0);
	assert_int_equal(unlink(sender), 0);
	assert_int_equal(keys_write_sender(sender, &other, &err), 0);
	assert_int_equal(key_belongs(sender, container, &found, &err), -EKEYREJECTED);
	assert_non_null(strstr(err.text, "of another pair than"));
	/* Of a container that somebody gave a UUID of his own nothing is known. */
	shell("cryptsetup luksUUID -q --uuid 8a3fbb8e-6d6c-4cf5-8e58-6f8e0a1b2c3d key.luks");
	assert_int_equal(container_read(container, &found, &err), 0);
	assert_int_equal(key_belongs(sender, container, &found, &err), 0);
	assert_int_equal(unlink(sender), 0);
	assert_int_equal(key_belongs(sender, container, &found, &err), -ENOENT);
}

static void test_create(void **state)
{
	struct sender_key made;
	struct restore_key key;
	struct container found;
	struct stat st;

	(void)state;
	assert_int_equal(create(PASSPHRASE), 0);
	assert_int_equal(keys_read_sender(sender, &made, &err), 0);
	assert_int_equal(stat(container, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, (2 << 20) + 4096);
	assert_int_equal(container_read(container, &found, &err), 0);
	assert_int_equal(found.passphrases, 1);
	assert_int_equal(strlen(found.uuid), 36);
	assert_int_equal(open_with(PASSPHRASE, &key), 0);
	assert_true(keys_belong(&key, &made));
	assert_int_equal(open_with("another one", &key), -EACCES);
	assert_int_equal(open_with(PASSPHRASE "\n", &key), -EACCES);
	/* Neither the passphrase nor a word of a key went by the command line or the environment.
	 */
	shell("! grep -q horse words && grep -q DM_DISABLE_UDEV=1 words && grep -q luksFormat "
	      "words");
	/* Nothing is left open, or beside. */
	shell("! ls | grep -v -e '^key.luks$' -e '^sender.key$' -e '^cryptsetup$' -e '^words$' "
	      "-e '^payload$'");
	/* No second one. */
	assert_int_equal(create(PASSPHRASE), -EEXIST);
	assert_non_null(strstr(err.text, "key.luks"));
	assert_int_equal(unlink(container), 0);
	assert_int_equal(create(PASSPHRASE), -EEXIST);
	assert_non_null(strstr(err.text, "sender.key"));
}

/* Whatever fails, nothing of it is left, and what cryptsetup said last is told. */
static void test_create_fails(void **state)
{
	static const char *const steps[] = { "luksFormat", "open" };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		char command[64];

		snprintf(command, sizeof(command), "touch fail-%s", steps[i]);
		shell(command);
		assert_int_equal(create(PASSPHRASE), -EIO);
		assert_non_null(strstr(err.text, "it is broken"));
		assert_null(strstr(err.text, "one line"));
		assert_false(is_there(container) || is_there(sender));
		shell("! ls *.new 2> /dev/null; rm fail-*");
	}
	/* A folder where the sender's key goes that takes none. */
	snprintf(sender, sizeof(sender), "%s/none/sender.key", folder);
	assert_int_equal(create(PASSPHRASE), -ENOENT);
	assert_false(is_there(container));
	cryptsetup.program = "/nowhere/cryptsetup";
	assert_int_equal(create(PASSPHRASE), -ENOENT);
	cryptsetup.program = program;
	/* What one that was cut off has left is in nobody's way. */
	snprintf(sender, sizeof(sender), "%s/sender.key", folder);
	shell("touch key.luks.new");
	assert_int_equal(create(PASSPHRASE), 0);
}

static void test_remove(void **state)
{
	bool removed = true;
	int fd;
	char bytes[KEYS_FILE];

	(void)state;
	assert_int_equal(key_remove(container, sender, &removed, &err), 0);
	assert_false(removed);
	assert_int_equal(create(PASSPHRASE), 0);
	fd = open(sender, O_RDONLY);
	assert_int_equal(key_remove(container, sender, &removed, &err), 0);
	assert_true(removed);
	assert_false(is_there(container) || is_there(sender));
	/* Whoever has it open, or looks at the disk, finds nothing. */
	assert_int_equal(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(fd);
	for (size_t i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0);
	/* Nobody waits for whoever might read what lies there in its place. */
	assert_int_equal(mkfifo(sender, 0600), 0);
	alarm(30);
	assert_int_equal(key_remove(container, sender, &removed, &err), 0);
	alarm(0);
	assert_true(removed);
}

/* --- what unlocks it -------------------------------------------------------------------------- */

static void ways_are(const char *expected)
{
	struct container found;
	char text[CONTAINER_WAYS];

	assert_int_equal(container_read(container, &found, &err), 0);
	assert_string_equal(container_ways(&found, text), expected);
}

#define IMPORT "cryptsetup token import --json-file - key.luks"
#define ADD_SLOT                                                                                   \
	"printf 'correct horse' > old && printf other > new && cryptsetup luksAddKey --pbkdf "     \
	"pbkdf2 --pbkdf-force-iterations 1000 --key-file old key.luks new"

static void test_ways(void **state)
{
	struct container found;
	uint64_t before;

	(void)state;
	assert_int_equal(create(PASSPHRASE), 0);
	ways_are("passphrase");
	assert_int_equal(container_read(container, &found, &err), 0);
	before = found.changes;
	/* As systemd-cryptenroll(1) makes them: a key slot, and a token that names it. */
	shell(ADD_SLOT);
	ways_are("passphrase");
	shell("echo '{\"type\":\"systemd-tpm2\",\"keyslots\":[\"1\"],\"tpm2-blob\":\"AA==\","
	      "\"tpm2-pcrs\":[7],\"tpm2-pcr-bank\":\"sha256\",\"tpm2-primary-alg\":\"ecc\","
	      "\"tpm2-policy-hash\":\"aa\",\"tpm2-pin\":false}' | " IMPORT);
	ways_are("passphrase, TPM2");
	shell(ADD_SLOT);
	shell("echo '{\"type\":\"systemd-recovery\",\"keyslots\":[\"2\"]}' | " IMPORT);
	ways_are("passphrase, TPM2, recovery key");
	shell("cryptsetup luksKillSlot -q key.luks 0");
	ways_are("TPM2, recovery key");
	shell(ADD_SLOT " || :");
	shell("echo '{\"type\":\"mine\",\"keyslots\":[]}' | " IMPORT);
	ways_are("TPM2, recovery key, a token of another kind");
	assert_int_equal(container_read(container, &found, &err), 0);
	assert_true(found.changes > before);
}

/* A head as it stands on a disk, with TEXT. */
static int parse(const char *text, struct container *ret)
{
	static unsigned char head[16384];

	memset(head, 0, sizeof(head));
	memcpy(head, "LUKS\xba\xbe\0\x02\0\0\0\0\0\0\x40\0", 16);
	head[23] = 7;
	memcpy(head + 168, "857ad566-c256-4667-ba6b-c6fe8caf6c20", 36);
	strcpy((char *)head + 4096, text);
	return container_parse(head, sizeof(head), ret, &err);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text, *ways;
	} cases[] = {
		{ "{}", "nothing" },
		{ " { \"keyslots\" : { \"0\" : {} , \"31\" : { } } }", "passphrase" },
		{ "{\"keyslots\":{\"32\":{},\"x\":{},\"\":{}}}", "nothing" },
		{ "{\"tokens\":{\"0\":{\"tpm2-pin\":true,\"type\":\"systemd-tpm2\"}}}",
		  "TPM2 with PIN" },
		{ "{\"tokens\":{\"0\":{\"type\":\"systemd-fido2\","
		  "\"fido2-clientPin-required\":true,\"keyslots\":[\"3\"]}},"
		  "\"keyslots\":{\"3\":{\"a\":[1,-2.5e3,null,\"\\\"}\"]}}}",
		  "FIDO2 with PIN" },
		{ "{\"tokens\":{\"0\":{\"type\":\"systemd-pkcs11\"},\"1\":{\"type\":\"x\"}}}",
		  "PKCS#11, a token of another kind" },
		{ "{\"tokens\":[],\"keyslots\":7}", "nothing" },
	};
	static const char *const damaged[] = {
		"",
		"{",
		"{\"a\":}",
		"{\"a\"}",
		"[1,2",
		"{\"a\":\"b}",
		"{\"a\":[[[[[[[[[[[[[[[[[[1",
		"{\"keyslots\":{\"0\":{}",
		"{\"a\":\"\\",
	};
	struct container found;
	char text[CONTAINER_WAYS];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(parse(cases[i].text, &found), 0);
		assert_string_equal(container_ways(&found, text), cases[i].ways);
		assert_string_equal(found.uuid, "857ad566-c256-4667-ba6b-c6fe8caf6c20");
		assert_int_equal(found.changes, 7);
	}
	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++)
		assert_int_equal(parse(damaged[i], &found), -EUCLEAN);
	assert_int_equal(container_parse("LUKS\xba\xbe", 6, &found, &err), -EUCLEAN);
	assert_int_equal(container_read("/nowhere", &found, &err), -ENOENT);
}

/* --- passphrases ------------------------------------------------------------------------------ */

/* Typed on a terminal of its own. Returns what passphrase_ask() does; SHOWN is what stood there. */
static int type(const char *keys, char *shown, size_t size, struct passphrase *ret)
{
	struct termios after;
	int master, slave, code, status;
	size_t length = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	pid = fork();
	if (!pid) {
		char c;

		/* Both questions stand there before they are answered, but what is typed ahead is
		 * thrown away once. */
		while (read(master, &c, 1) == 1 && c != ':')
			;
		_exit(write(master, keys, strlen(keys)) < 0);
	}
	code = passphrase_ask(slave, ret, &err);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(tcgetattr(slave, &after), 0);
	assert_true(after.c_lflag & ECHO);
	fcntl(master, F_SETFL, O_NONBLOCK);
	while (length < size - 1 && (got = read(master, shown + length, size - 1 - length)) > 0)
		length += (size_t)got;
	shown[length] = '\0';
	close(slave);
	close(master);
	return code;
}

static void test_ask(void **state)
{
	struct passphrase passphrase;
	char shown[256];

	(void)state;
	assert_int_equal(type("open sesame\nopen sesame\n", shown, sizeof(shown), &passphrase), 0);
	assert_int_equal(passphrase.size, 11);
	assert_memory_equal(passphrase.bytes, "open sesame", 11);
	assert_null(strstr(shown, "sesame"));
	assert_int_equal(type("open\nopem\n", shown, sizeof(shown), &passphrase), -EINVAL);
	assert_non_null(strstr(err.text, "another one"));
	assert_int_equal(passphrase.size, 0);
	assert_int_equal(type("\n", shown, sizeof(shown), &passphrase), -EINVAL);
	assert_int_equal(type("ab\x04\x04", shown, sizeof(shown), &passphrase), -EINTR);
	assert_int_equal(passphrase_ask(open("/dev/null", O_RDWR), &passphrase, &err), -ENOTTY);
}

static void test_key_file(void **state)
{
	struct passphrase passphrase;
	char path[96], bytes[CRYPTSETUP_SECRET_MAX + 1];

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	snprintf(path, sizeof(path), "%s/file", folder);
	assert_int_equal(passphrase_from_file(path, &passphrase, &err), -ENOENT);
	write_file(path, "", 0, 0600);
	assert_int_equal(passphrase_from_file(path, &passphrase, &err), -EINVAL);
	write_file(path, "a b\xc3\xa4", 5, 0600);
	assert_int_equal(passphrase_from_file(path, &passphrase, &err), 0);
	assert_int_equal(passphrase.size, 5);
	/* What nobody can type at boot. */
	write_file(path, "secret\n", 7, 0600);
	assert_int_equal(passphrase_from_file(path, &passphrase, &err), -EINVAL);
	assert_non_null(strstr(err.text, "newline"));
	write_file(path, "a\tb", 3, 0600);
	assert_int_equal(passphrase_from_file(path, &passphrase, &err), -EINVAL);
	assert_non_null(strstr(err.text, "byte 2"));
	write_file(path, bytes, sizeof(bytes) - 1, 0600);
	assert_int_equal(passphrase_from_file(path, &passphrase, &err), 0);
	assert_int_equal(passphrase.size, CRYPTSETUP_SECRET_MAX);
	write_file(path, bytes, sizeof(bytes), 0600);
	assert_int_equal(passphrase_from_file(path, &passphrase, &err), -EFBIG);
}

/* Of two that make keys at a time one waits for nothing, and changes nothing. */
static void test_lock(void **state)
{
	int first = key_lock(folder, &err), second;

	(void)state;
	assert_true(first >= 0);
	assert_int_equal(key_lock(folder, &err), -EBUSY);
	close(first);
	second = key_lock(folder, &err);
	assert_true(second >= 0);
	close(second);
	assert_int_equal(key_lock("/nowhere", &err), -ENOENT);
}

static void test_sealing(void **state)
{
	struct config config = { .seal = SEAL_AUTO };

	(void)state;
	assert_false(sealing_wanted(&config, sender));
	write_file(sender, "", 0, 0600);
	assert_true(sealing_wanted(&config, sender));
	config.seal = SEAL_NO;
	assert_false(sealing_wanted(&config, sender));
	config.seal = SEAL_YES;
	assert_true(sealing_wanted(&config, "/nowhere"));
	assert_int_equal(config_set(&config, "seal", "auto", &err), 0);
	assert_int_equal(config.seal, SEAL_AUTO);
	assert_int_equal(config_set(&config, "seal", "off", &err), 0);
	assert_int_equal(config.seal, SEAL_NO);
	assert_int_equal(config_set(&config, "seal", "yes", &err), 0);
	assert_int_equal(config.seal, SEAL_YES);
	assert_int_equal(config_set(&config, "seal", "maybe", &err), -EINVAL);
	assert_int_equal(config.seal, SEAL_YES);
}

/* What has to be installed is said; nothing is left. */
static void test_no_cryptsetup(void **state)
{
	const struct cryptsetup none = { "/nonexistent/cryptsetup", folder };
	struct passphrase passphrase = passphrase_of("open sesame");

	(void)state;
	assert_int_equal(key_create(&none, container, sender, &passphrase, &err), -ENOENT);
	assert_non_null(strstr(err.text, "not installed; Debian's package is cryptsetup-bin"));
	assert_false(is_there(container) || is_there(sender));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create),  TEST(test_pair),  TEST(test_create_fails),	TEST(test_remove),
		TEST(test_ways),    TEST(test_parse), TEST(test_ask),		TEST(test_key_file),
		TEST(test_sealing), TEST(test_lock),  TEST(test_no_cryptsetup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
