/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frozen kernel's tree of memory resources. */
#include "memory/resources.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "memory/spans.h"
#include "memory/vmcoreinfo.h"

#define ROOT_NAME     "PCI mem" /* kernel/resource.c */
#define NAME_SIZE     16	/* as much of a name as is looked at */
#define RESOURCES_MAX 65536

/* Linux: struct resource (include/linux/ioport.h), the same from 4.6 on. */
struct resource {
	uint64_t start, end; /* END is the last byte */
	uint64_t name;
	uint64_t flags, desc;
	uint64_t parent, sibling, child;
};

_Static_assert(sizeof(struct resource) == 64, "struct resource");

struct walk {
	struct virtual_memory *v;
	uint64_t at; /* virtual address of: */
	struct resource resource;
	size_t count;
};

/* The head of the text at ADDRESS; nothing behind its end is read, which may be mapped nowhere. */
static int read_name(struct virtual_memory *v, uint64_t address, char ret[NAME_SIZE],
		     struct error *err)
{
	size_t size = FRAME_SIZE - address % FRAME_SIZE;
	int r;

	memset(ret, 0, NAME_SIZE);
	if (!address)
		return 0;
	if (size > NAME_SIZE - 1)
		size = NAME_SIZE - 1;
	r = virtual_read(v, address, ret, size, err);
	if (r || size == NAME_SIZE - 1 || memchr(ret, '\0', size))
		return r;
	return virtual_read(v, address + size, ret + size, NAME_SIZE - 1 - size, err);
}

/* Step to the resource at ADDRESS, which must lie in PARENT. */
static int step(struct walk *walk, uint64_t address, uint64_t parent, struct error *err)
{
	int r = virtual_read(walk->v, address, &walk->resource, sizeof(walk->resource), err);

	if (r)
		return r;
	if (walk->resource.parent != parent || walk->resource.end < walk->resource.start ||
	    ++walk->count > RESOURCES_MAX)
		return error_set(err, EUCLEAN, "resource 0x%" PRIx64 " has another parent",
				 address);
	walk->at = address;
	return 0;
}

/* On to the next resource in the order of the text; *FOUND is false behind the last one. */
static int next(struct walk *walk, uint64_t root, bool *found, struct error *err)
{
	int r;

	*found = true;
	if (walk->resource.child)
		return step(walk, walk->resource.child, walk->at, err);
	while (walk->at != root) {
		if (walk->resource.sibling)
			return step(walk, walk->resource.sibling, walk->resource.parent, err);
		walk->at = walk->resource.parent;
		r = virtual_read(walk->v, walk->at, &walk->resource, sizeof(walk->resource), err);
		if (r)
			return r;
		if (++walk->count > RESOURCES_MAX)
			break;
	}
	*found = false;
	return walk->at == root ? 0 : error_set(err, EUCLEAN, "resources without an end");
}

static int read_root(struct walk *walk, uint64_t root, struct error *err)
{
	char name[NAME_SIZE];
	int r = virtual_read(walk->v, root, &walk->resource, sizeof(walk->resource), err);

	if (!r)
		r = read_name(walk->v, walk->resource.name, name, err);
	if (r || strcmp(name, ROOT_NAME) || walk->resource.start || walk->resource.parent ||
	    walk->resource.sibling || !walk->resource.child)
		return error_set(err, ENOTSUP, "no tree of resources of a kind this program knows");
	walk->at = root;
	return 0;
}

int resources_ram(struct virtual_memory *v, uint64_t root, struct runs *ret, struct error *err)
{
	struct walk walk = { .v = v };
	struct spans spans = { .ret = ret };
	bool found = true;
	int r = read_root(&walk, root, err);

	while (!r && found) {
		char name[NAME_SIZE];

		r = next(&walk, root, &found, err);
		if (r || !found)
			break;
		r = read_name(v, walk.resource.name, name, err);
		if (!r)
			r = spans_add(&spans, name, walk.resource.start, walk.resource.end, err);
	}
	return r ? r : spans_finish(&spans, err);
}

/* Is anything in A (but the home) that is not in B? */
static int subset(const struct runs *a, const struct runs *b, const struct runs *home,
		  const char *what, struct error *err)
{
	struct runs more = { 0 }, outside = { 0 };
	int r = runs_subtract(a, b, &more);

	if (!r)
		r = runs_subtract(&more, home, &outside);
	if (r)
		error_set(err, -r, "list of RAM: out of memory");
	else if (outside.n)
		r = error_set(err, EUCLEAN, "RAM at %#" PRIx64 "-%#" PRIx64 " %s",
			      outside.v[0].pfn << FRAME_SHIFT,
			      ((outside.v[0].pfn + outside.v[0].count) << FRAME_SHIFT) - 1, what);
	runs_free(&more);
	runs_free(&outside);
	return r;
}

int resources_check(const struct frozen *frozen, const struct handoff *handoff, struct error *err)
{
	struct kernel_layout layout;
	struct virtual_memory v = { .frozen = frozen, .layout = &layout };
	const struct runs *ram = frozen->ram, *home = frozen->home;
	struct runs found = { 0 };
	int r;

	if (!handoff->vmcoreinfo_size || !handoff->iomem_resource)
		return error_set(err, ENODATA, "the kernel does not tell where its list is");
	if (vmcoreinfo_parse(handoff->vmcoreinfo, &layout, err))
		return -(err->code = ENODATA);
	r = resources_ram(&v, handoff->iomem_resource, &found, err);
	if (!r)
		r = subset(&found, ram, home, "was added after kernel B was loaded", err);
	if (!r)
		r = subset(ram, &found, home, "was taken away after kernel B was loaded", err);
	virtual_close(&v);
	runs_free(&found);
	return r;
}
