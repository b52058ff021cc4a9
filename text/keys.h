/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named fields of a struct, set from text and written as text: settings, the record of a loaded
 * kernel B, options of command lines. A table of struct key says which fields there are.
 */
#ifndef TEXT_KEYS_H
#define TEXT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/error.h"

/* How the text of a value and the field that holds it are made of each other. */
struct key_type {
	/* Set FIELD, SIZE bytes. EINVAL, with FIELD as it was, for a value that it does not take.
	 */
	int (*set)(void *field, size_t size, const char *value, struct error *err);
	/* FIELD, SIZE bytes, as set() takes it. NULL for types that are never written. */
	void (*print)(const void *field, size_t size, FILE *out);
};

extern const struct key_type key_text;	  /* char[], with its NUL */
extern const struct key_type key_pointer; /* const char *: the value itself, which must live on */
extern const struct key_type key_switch;  /* bool: yes, no; on, off; true, false; 1, 0 */
extern const struct key_type key_number;  /* uint64_t, decimal or 0x... */
extern const struct key_type key_address; /* the same, written as 0x... */
extern const struct key_type key_bytes;	  /* uint8_t[], two digits a byte */
extern const struct key_type key_size;	  /* uint64_t: bytes, written as 512M or 8G */
extern const struct key_type key_level;	  /* int: a level of zstd, or "auto" */
extern const struct key_type key_descriptor; /* struct descriptor: its number */

/* A descriptor that was handed over by its number. */
struct descriptor {
	bool given;
	int fd;
};

struct key {
	const char *name;
	const struct key_type *type;
	size_t offset; /* of the field in the struct that the table is about */
	size_t size;   /* of the field in bytes */
};

#define KEY(name, type, object, field)                                                             \
	{                                                                                          \
		name, &type, offsetof(object, field), sizeof(((object *)0)->field)                 \
	}

/* Set the field that KEY is about. Errors name no key. */
int key_set(const struct key *key, void *object, const char *value, struct error *err);

/* Set field NAME of OBJECT. EINVAL for an unknown name or a value that it does not take. */
int keys_set(const struct key *keys, size_t count, void *object, const char *name,
	     const char *value, struct error *err);

/* Set fields from the file at PATH ("name = value" lines). Errors name file and line; ENOENT. */
int keys_read(const struct key *keys, size_t count, void *object, const char *path,
	      struct error *err);

/* Write all fields to the file at PATH, which is replaced as a whole or not at all. */
int keys_write(const struct key *keys, size_t count, const void *object, const char *path,
	       struct error *err);

/* A decimal number from MIN to MAX, or EINVAL. For types of one's own. */
int key_parse_number(const char *value, long min, long max, long *ret, struct error *err);

/* Bytes, at most MAX, with K, M, G or T behind the number, which are powers of 1024; or EINVAL. */
int key_parse_size(const char *value, uint64_t max, uint64_t *ret, struct error *err);

#endif
