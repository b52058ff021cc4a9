#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Restoring at boot, for every kind of initramfs: sourced by its hook, functions only. The order is
# kjump_resume as soon as block devices can be there and before anything is mounted, assembled or
# checked; kjump_boot_on as the last act before the root file system is mounted.
#
# Kernel parameters:
#   rd.kjump.resume=TARGET  device with the image: UUID=, PARTUUID=, LABEL=, PARTLABEL= or a path
#   rd.kjump.timeout=N      seconds to wait for that device (10)
#   rd.kjump.again          restore an image once more that was handed over before
#   rd.kjump=0, noresume    do not restore

kjump_say() {
    echo "kjump: $*" >&2
}

kjump_cmdline() {
    cat /proc/cmdline
}

# Print the value of kernel parameter NAME; the last one wins. Fails when it is not there. The body
# is a subshell, so that its options and variables are its own.
kjump_getarg() (
    set -f
    found=1
    value=
    for word in $(kjump_cmdline); do
        # The kernel takes quotes around the whole parameter or around the value.
        word=${word#\"}
        word=${word%\"}
        case $word in
        "$1") found=0 value= ;;
        "$1="*) found=0 value=${word#*=} value=${value#\"} ;;
        esac
    done
    echo "$value"
    return $found
)

kjump_switched_off() {
    kjump_getarg noresume > /dev/null && return 0
    case $(kjump_getarg rd.kjump) in
    0 | no | off) return 0 ;;
    esac
    return 1
}

# Does not return when there is an image and it can be restored. Otherwise the boot goes on, and
# kjump_boot_on still has to be called.
kjump_resume() {
    kjump_stale=
    kjump_target=$(kjump_getarg rd.kjump.resume)
    [ -n "$kjump_target" ] || return 0

    # From here on an image on the target is outdated by the boot that goes on.
    kjump_stale=yes
    if kjump_switched_off; then
        kjump_say "$kjump_target: restoring is switched off on the kernel command line; booting on"
        return 0
    fi

    kjump_timeout=$(kjump_getarg rd.kjump.timeout)
    kjump_again=
    ! kjump_getarg rd.kjump.again > /dev/null || kjump_again=--again
    # shellcheck disable=SC2086 # an empty option must vanish
    kjump-restore --wait "${kjump_timeout:-10}" $kjump_again "$kjump_target"
    kjump_status=$?
    case $kjump_status in
    3)
        kjump_stale=
        kjump_say "$kjump_target: there is nothing to restore; booting on"
        ;;
    *)
        kjump_say "$kjump_target: not restored (kjump-restore: status $kjump_status); booting on"
        ;;
    esac
    return 0
}

# The root file system is about to be changed: whoever restored the image after that would destroy
# it, so the image is marked.
kjump_boot_on() {
    [ -n "${kjump_stale:-}" ] || return 0
    kjump_stale=
    kjump-restore --boot-on "booted on without restoring" "$kjump_target"
    # No image is as good as one that was marked.
    case $? in
    0 | 3) ;;
    *) kjump_say "$kjump_target: could not be marked; do not restore its image any more" ;;
    esac
    return 0
}
