/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kjump-restore: run early at boot, before anything of the saved machine's disks is mounted. Puts
 * the saved machine back in place of this kernel, or says in one line why not.
 */
#include <stdio.h>

#include "common/clock.h"
#include "common/descriptors.h"
#include "restore/ask.h"
#include "restore/options.h"
#include "restore/parameter.h"
#include "restore/run.h"
#include "restore/target.h"
#include "restore/unlock.h"
#include "restore/waiting.h"

int main(int argc, char **argv)
{
	uint64_t started = clock_now();
	struct restore_options options;
	int code;

	descriptors_reserve();
	code = restore_options_parse(argc, argv, &options);
	if (code >= 0)
		return code;
	if (options.parameter)
		return parameter_print(options.parameter, options.files, options.file_count);
	if (options.ask.given) {
		char key = ask_consoles("", options.ask.seconds, !options.no_retry);

		return printf("%c\n", key) < 0 ? EXIT_FAILED : EXIT_DONE;
	}
	if (options.unlock.given)
		return unlock_run(
			&(struct unlock_source){ "/proc/consoles", "/dev", options.unlock.seconds },
			options.command);
	if (options.answer)
		return unlock_answer(options.answer);
	if (options.find)
		return target_print(options.target);
	if (options.waits)
		return target_print_waiting(options.target, waiting_from(started, options.wait));
	if (options.count_reboot)
		return target_count_reboot(options.target, waiting_from(started, options.wait));
	if (options.boot_on)
		return target_boot_on(options.target, options.boot_on,
				      waiting_from(started, options.wait));
	return restore_run(&options, started);
}
