#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dracut, pre-udev: nothing but storage drivers is loaded, nothing assembled.

# Not there when a part was missing as the initramfs was made, which its builder said.
if [ -r /lib/kjump/kjump-core.sh ]; then
    # shellcheck disable=SC1091 # a file of the initramfs
    . /lib/kjump/kjump-core.sh
    kjump_restore_early
fi
