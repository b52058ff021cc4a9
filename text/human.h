/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and times as people read them.
 */
#ifndef KJUMP_TEXT_HUMAN_H
#define KJUMP_TEXT_HUMAN_H

#include <stddef.h>
#include <stdint.h>

#define HUMAN_SIZE 32

/* "512 bytes", "96.0 MiB". Returns TEXT, as all of these do. */
char *human_bytes(uint64_t bytes, char text[HUMAN_SIZE]);

/* "2026-11-23 08:05:56" in local time. */
char *human_time(uint64_t seconds, char text[HUMAN_SIZE]);

/* SIZE bytes as 2 * SIZE digits and a NUL. */
char *human_hex(const uint8_t *bytes, size_t size, char *text);

/* As blkid prints it. */
char *human_uuid(const uint8_t uuid[16], char text[37]);

#endif
