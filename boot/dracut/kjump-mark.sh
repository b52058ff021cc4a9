#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dracut, the last of pre-mount: the root file system is checked and mounted next.

# shellcheck disable=SC1091 # a file of the initramfs
. /lib/kjump/kjump-core.sh
kjump_mark_before_root
