#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dracut, pre-mount: arrays are assembled and volumes unlocked, nothing is mounted.

# shellcheck disable=SC1091 # a file of the initramfs
. /lib/kjump/kjump-core.sh
kjump_restore_late
