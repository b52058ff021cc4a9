#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dracut, the main loop: it goes on until this and its likes succeed.

# shellcheck disable=SC1091,SC2154 # a file of the initramfs, and what it sets
. /lib/kjump/kjump-core.sh
kjump_target=
[ ! -s "$kjump_state/target" ] || read -r kjump_target < "$kjump_state/target"
kjump_wait_is_over "$(label_uuid_to_dev "$kjump_target")"
