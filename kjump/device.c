/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device that images go to.
 */
#include "kjump/device.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image/filemap.h"
#include "text/human.h"

static bool is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	return true;
}

static bool is_number(const char *text)
{
	size_t length = strlen(text);

	return length && length < 19 && strspn(text, "0123456789") == length;
}

bool device_is_image(const char *operand)
{
	return is_number(operand) || is_uuid(operand);
}

static bool is_named(const struct image_entry *entry, const char *id)
{
	char uuid[37];

	if (is_number(id))
		return entry->serial == strtoull(id, NULL, 10);
	return !strcasecmp(human_uuid(entry->image_uuid, uuid), id);
}

int device_take(const struct disk *disk, struct image_super *super, const char *id,
		struct error *err)
{
	for (unsigned i = 0; id && i < IMAGE_TABLE; i++)
		if (super->table[i].state && is_named(&super->table[i], id)) {
			image_super_take(super, i);
			return 0;
		}
	return id ? error_set(err, ENODATA, "%s: no image %.60s; 'kjump list' shows what is there",
			      disk->name, id)
		  : 0;
}

const char *device_image(const struct options *options)
{
	if (options->operands[0] && device_is_image(options->operands[0]))
		return options->operands[0];
	return options->operands[0] ? options->operands[1] : NULL;
}

/* The first operand, else the configured target; EINVAL when there is neither. */
static int device_spec(const struct options *options, const char **ret, struct error *err)
{
	bool named = options->operands[0] && !device_is_image(options->operands[0]);

	*ret = named ? options->operands[0] : options->config.target;
	if (!**ret)
		return error_set(err, EINVAL, "no device named and no target set in %s",
				 options->config.path);
	return 0;
}

/* What those who wrote SPEC most likely meant; "" when there is nothing to say. */
static const char *hint(const char *spec)
{
	if (strpbrk(spec, "\"'"))
		return "; a name is written without quotes";
	if (strchr(spec, '#'))
		return "; a comment has a line of its own";
	if (is_uuid(spec))
		return "; a UUID is written as UUID=...";
	return "";
}

static int add_hint(struct error *err, const char *spec)
{
	const struct error cause = *err;

	return error_set(err, cause.code, "%.200s%s", cause.text, hint(spec));
}

int device_open(const char *spec, enum disk_mode mode, struct disk *disk, struct image_super *super,
		struct error *err)
{
	return device_open_target(spec, mode, disk, super, NULL, err);
}

/* A file is written to where it lies, and read as whoever asks sees it. */
static int open_target(const char *spec, enum disk_mode mode, struct disk *disk,
		       struct claimed_file *file, struct error *err)
{
	char path[sizeof(disk->name)];
	int ret = mode == DISK_READ ? 0 : claimed_find(spec, path, sizeof(path), err);

	if (ret)
		return ret < 0 ? ret : claimed_open(path, disk, file, err);
	return filemap_open(spec, mode, disk, err);
}

int device_open_target(const char *spec, enum disk_mode mode, struct disk *disk,
		       struct image_super *super, struct claimed_file *file, struct error *err)
{
	int ret;

	if (file)
		memset(file, 0, sizeof(*file));
	ret = open_target(spec, mode, disk, file, err);
	if (ret)
		return ret == -ENODEV ? add_hint(err, spec) : ret;
	ret = image_super_read(disk, super, err);
	if (ret) {
		error_prefix(err, "%s", disk->name);
		disk_close(disk);
	}
	return ret;
}

int device_run(const struct options *options, enum disk_mode mode, const char *nothing,
	       device_action action)
{
	struct image_super super;
	struct error err = { 0 };
	struct disk disk;
	const char *spec;
	int status;

	if (device_spec(options, &spec, &err) || device_open(spec, mode, &disk, &super, &err)) {
		message("%s; %s", err.text, nothing);
		return EXIT_FAILED;
	}
	if (device_take(&disk, &super, device_image(options), &err)) {
		message("%s; %s", err.text, nothing);
		status = EXIT_NO_IMAGE;
	} else {
		status = action(&disk, &super, options);
	}
	disk_close(&disk);
	return status;
}
