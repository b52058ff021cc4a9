/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * racer DEVICE FOLDER: mounts DEVICE when a process called kjump has blocked all signals, which it
 * does shortly before it jumps.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* Has the file of the process PID a line that begins with TEXT? */
static bool has_line(const char *pid, const char *file, const char *text)
{
	char path[300], line[256];
	bool found = false;
	FILE *stream;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
	stream = fopen(path, "re");
	while (stream && !found && fgets(line, sizeof(line), stream))
		found = !strncmp(line, text, strlen(text));
	if (stream)
		fclose(stream);
	return found;
}

static void find_kjump(char pid[256])
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	*pid = '\0';
	while (proc && !*pid && (entry = readdir(proc)))
		if (isdigit((unsigned char)*entry->d_name) &&
		    has_line(entry->d_name, "comm", "kjump\n"))
			snprintf(pid, 256, "%s", entry->d_name);
	if (proc)
		closedir(proc);
}

int main(int argc, char **argv)
{
	char pid[256];

	if (argc != 3)
		return 2;
	for (find_kjump(pid); !*pid; find_kjump(pid))
		usleep(1000);
	while (!has_line(pid, "status", "SigBlk:\tfffffff"))
		usleep(100);
	return mount(argv[1], argv[2], "ext4", 0, "") ? 1 : 0;
}
