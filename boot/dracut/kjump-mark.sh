#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dracut, the last of pre-mount: the root file system is checked and mounted next.

# Not there when a part was missing as the initramfs was made, which its builder said.
if [ -r /lib/kjump/kjump-core.sh ]; then
    # shellcheck disable=SC1091 # a file of the initramfs
    . /lib/kjump/kjump-core.sh
    kjump_mark_before_root
fi
