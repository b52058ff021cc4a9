/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the kernel's means to jump by. */
#include "jump/backend.h"

#include <errno.h>
#include <string.h>

#include "jump/jump.h"

const struct jump_backend *jump_choose(enum jump_choice choice)
{
	struct error ignored;

	if (choice == JUMP_MODULE)
		return &jump_module;
	if (choice == JUMP_KEXEC)
		return &jump_kexec;
	return jump_module_insert(&ignored) == 0 ? &jump_module : &jump_kexec;
}

const struct jump_backend *jump_named(const char *name)
{
	return strcmp(name, jump_module.name) == 0 ? &jump_module : &jump_kexec;
}

bool jump_loaded(void)
{
	return jump_module.loaded() || jump_kexec.loaded();
}

int jump_supported(enum jump_choice choice, struct error *err)
{
	struct error no_module, no_kexec;
	int ret = jump_permitted(err);

	if (ret)
		return ret;
	if (choice != JUMP_AUTO)
		return jump_choose(choice)->supported(err);
	if (jump_module_insert(&no_module) == 0)
		return jump_module.supported(err);
	ret = jump_kexec.supported(&no_kexec);
	/* Either would do, so it is said why there is neither. */
	if (ret == -EOPNOTSUPP)
		return error_set(err, EOPNOTSUPP, "%s, and %s", no_module.text, no_kexec.text);
	if (ret)
		*err = no_kexec;
	return ret;
}

int jump_execute(const struct jump_backend *backend, struct error *err)
{
	struct jump_freeze frozen;
	int ret = backend->freeze(-1, &frozen, err);

	if (ret)
		return ret;
	ret = backend->execute(&frozen, err);
	backend->thaw(&frozen);
	return ret;
}
