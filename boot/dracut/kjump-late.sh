#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dracut, pre-mount: arrays are assembled and volumes unlocked, nothing is mounted.

# Not there when a part was missing as the initramfs was made, which its builder said.
if [ -r /lib/kjump/kjump-core.sh ]; then
    # shellcheck disable=SC1091 # a file of the initramfs
    . /lib/kjump/kjump-core.sh
    kjump_restore_late
fi
