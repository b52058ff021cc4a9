#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # variables of dracut
#
# dracut module: restore a hibernated machine at boot. `modules` beside this file is that of
# initramfs/.

# Set by `make install-dracut`: where kjump-restore is.
kjump_lib=${KJUMP_LIB:-/usr/local/lib/kjump}
# The key of sealed images.
kjump_container=${KJUMP_KEY:-${dracutsysrootdir-}/etc/kjump/key.luks}

# Asks for what is configured, never for what happens to be at the moment: an initramfs that is
# built in an unusual boot serves all later ones too.
check() {
    # Asked what a mount needs: nothing of this.
    [[ ${mount_needs-} ]] && return 1
    local missing
    missing=$(kjump_missing) && {
        dwarn "kjump: $missing: not there; this image restores nothing"
        return 1
    }
    [[ -e ${dracutsysrootdir-}/etc/kjump.conf ]] && return 0
    [[ " ${dracutmodules-} ${add_dracutmodules-} ${force_add_dracutmodules-} " == *" kjump "* ]] ||
        dwarn "kjump: no ${dracutsysrootdir-}/etc/kjump.conf, so this image restores nothing;" \
            "name the target there, or add the module with --add kjump"
    return 255
}

# Print the first file that is missing of those that make the image; fails when none is.
kjump_missing() {
    local name path
    for name in kjump-restore modules kjump-build.sh $(kjump_build kjump_scripts 2> /dev/null); do
        path=$moddir/$name
        [[ $name = kjump-restore ]] && path=$kjump_lib/$name
        [[ -r $path ]] || { echo "$path" && return 0; }
    done
    return 1
}

depends() {
    echo base
    # What runs the hooks when systemd is init.
    dracut_module_included systemd && echo dracut-systemd
    # What waits for arrays and volumes: a module of its own in dracut-ng, part of base before that.
    [[ -d $(dracut_module_path initqueue) ]] && echo initqueue
    return 0
}

# The functions of kjump-build.sh, without leaving any of them to the modules that come later.
kjump_build() (
    # shellcheck source=boot/kjump-build.sh
    . "$moddir/kjump-build.sh"
    # shellcheck disable=SC2034 # read there
    kjump_find_modules=$moddir/modules kjump_conf=${dracutsysrootdir-}/etc/kjump.conf
    # shellcheck disable=SC2034 # read there
    kjump_key=$kjump_container
    "$@"
)

kjump_drivers_here() {
    local where=any
    [[ ${hostonly-} ]] && where=here
    kjump_build kjump_modules "${srcmods:-/lib/modules/$kernel}" "$where"
}

kjump_keyboards_here() {
    kjump_build kjump_keyboards "${srcmods:-/lib/modules/$kernel}"
}

kjump_crypto_here() {
    kjump_build kjump_unlock_modules "${srcmods:-/lib/modules/$kernel}"
}

installkernel() {
    local module
    # The lists are for this image: what hostonly mode leaves out for others is wanted here.
    for module in $(kjump_drivers_here) $(kjump_keyboards_here) $(kjump_crypto_here); do
        hostonly='' instmods "$module"
    done
}

install() {
    local script
    inst_multiple cat mkdir modprobe sleep sync
    inst_simple "$kjump_lib/kjump-restore" /usr/sbin/kjump-restore || return 1
    # Without the last of these the hooks do nothing.
    for script in $(kjump_build kjump_scripts); do
        inst_simple "$moddir/$script" "/lib/kjump/$script" || return 1
    done
    kjump_drivers_here > "$initdir/etc/kjump.modules"
    kjump_keyboards_here > "$initdir/etc/kjump.keyboards"
    kjump_install_key
    [[ ${hostonly-} ]] && kjump_build kjump_targets > "$initdir/etc/kjump.targets"

    inst_hook pre-udev 05 "$moddir/kjump-early.sh"
    inst_hook initqueue/finished 50 "$moddir/kjump-finished.sh"
    dracut_need_initqueue
    inst_hook pre-mount 05 "$moddir/kjump-late.sh"
    inst_hook pre-mount 99 "$moddir/kjump-mark.sh"
}

# The container, and what opens it, if there is one. Without it sealed images are not restored.
kjump_install_key() {
    local file with=
    [[ -s $kjump_container ]] || return 0
    dracut_module_included systemd && with=systemd
    kjump_build kjump_unlock_files "$with" > "$initdir/etc/kjump.files" || {
        rm -f "$initdir/etc/kjump.files"
        dwarn "kjump: cryptsetup: not there; this image restores nothing that is sealed"
        return 0
    }
    while read -r file; do
        inst "$file"
    done < "$initdir/etc/kjump.files"
    rm -f "$initdir/etc/kjump.files"
    mkdir -p "$initdir/etc/kjump"
    (umask 077 && cat "$kjump_container" > "$initdir/etc/kjump/key.luks")
    kjump_build kjump_unlock_kinds > "$initdir/etc/kjump.unlock"
    kjump_crypto_here > "$initdir/etc/kjump.crypto"
}
