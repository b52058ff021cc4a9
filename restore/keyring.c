/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of the kernel's, without a library: there is none that is static. */
#include "restore/keyring.h"

#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NAME	"cryptsetup"
#define SECONDS 150
/* The kernel writes over it when no reader is left, and a collector has come by. */
#define FORGOTTEN_NS 50000000

static long keyctl(int what, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	return syscall(SYS_keyctl, what, a, b, c, d);
}

/* Its number, or a negative value. */
static long find(void)
{
	return keyctl(KEYCTL_SEARCH, (unsigned long)KEY_SPEC_USER_KEYRING, (unsigned long)"user",
		      (unsigned long)NAME, 0);
}

size_t keyring_get(char *bytes, size_t size)
{
	long key = find(), length;
	char *end;

	if (key < 0)
		return 0;
	/* Who has no session to which root's keyring belongs reads it as its own. */
	keyctl(KEYCTL_LINK, (unsigned long)KEY_SPEC_USER_KEYRING,
	       (unsigned long)KEY_SPEC_PROCESS_KEYRING, 0, 0);
	length = keyctl(KEYCTL_READ, (unsigned long)key, (unsigned long)bytes, size, 0);
	/* What does not fit is not there, in part or at all. */
	if (length <= 0 || (size_t)length > size) {
		explicit_bzero(bytes, size);
		return 0;
	}
	end = memchr(bytes, '\0', (size_t)length);
	return end ? (size_t)(end - bytes) : (size_t)length;
}

void keyring_put(const char *bytes, size_t size)
{
	long key;

	keyring_forget();
	key = syscall(SYS_add_key, "user", NAME, bytes, size, KEY_SPEC_USER_KEYRING);
	if (key >= 0)
		keyctl(KEYCTL_SET_TIMEOUT, (unsigned long)key, SECONDS, 0, 0);
}

void keyring_forget(void)
{
	const struct timespec pause = { .tv_nsec = FORGOTTEN_NS };
	long key = find();

	if (key < 0)
		return;
	keyctl(KEYCTL_REVOKE, (unsigned long)key, 0, 0, 0);
	keyctl(KEYCTL_UNLINK, (unsigned long)key, (unsigned long)KEY_SPEC_USER_KEYRING, 0, 0);
	nanosleep(&pause, NULL);
}
