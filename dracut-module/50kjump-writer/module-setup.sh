#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # variables of dracut
#
# dracut module: kernel B's initramfs, which writes a frozen machine's memory to a disk. It is the
# whole of it, with an init of its own that never mounts anything:
#
#   dracut --kver RELEASE --modules kjump-writer --no-early-microcode OUTPUT
#
# `init` and `modules` beside this file are those of initramfs/.

# Set by `make install-dracut`: where kjump-write and kjump-back are.
kjump_lib=${KJUMP_LIB:-/usr/local/lib/kjump}

# Never by itself: in the initramfs of an ordinary boot it has no business.
check() {
    [[ -x $kjump_lib/kjump-write && -x $kjump_lib/kjump-back ]] || return 1
    require_binaries busybox || return 1
    return 255
}

depends() {
    return 0
}

# No depmod in kernel B: the modules lie there in the order in which they are loaded.
installkernel() {
    local -a which=(--module kjump)
    [[ ${hostonly-} ]] || which+=(--all-storage)
    "$moddir/modules" "${which[@]}" "${srcmods:-/lib/modules/$kernel}" "$initdir"
}

install() {
    inst_simple "$(type -P busybox)" /bin/busybox
    inst_simple "$kjump_lib/kjump-write" /bin/kjump-write
    inst_simple "$kjump_lib/kjump-back" /bin/kjump-back
    inst_simple "$moddir/init" /init
    chmod 755 "$initdir/init"
}
