#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Restoring at boot, for every kind of initramfs: sourced by its hooks, functions only. The order is
# kjump_restore_early, kjump_restore_late, kjump_mark_before_root, and kjump_mark_in_system in the
# real root.
# docs/boot.md says when each of them runs, and what they tell each other in files. All of them
# return 0: whatever fails, the boot goes on.
#
# Kernel parameters:
#   rd.kjump.resume=TARGET  device with the image: UUID=, PARTUUID=, LABEL=, PARTLABEL= or a path
#   rd.kjump.timeout=N      seconds to wait for that device (10)
#   rd.kjump.onfail=DO      when an image cannot be restored: boot, poweroff, shell, or wait=N: say
#                           so, and boot on after N seconds without an answer (wait=10)
#   rd.kjump.force=WHAT,... restore although something differs: devices, efi
#   rd.kjump.again          restore an image once more that was handed over before
#   rd.kjump=0, noresume    do not restore

kjump_state=/run/kjump-boot
kjump_etc=/etc

kjump_say() {
    echo "kjump: $*" >&2
}

# dracut's files come first: the kernel command line has the last word.
kjump_cmdline() {
    cat /etc/cmdline.d/*.conf /proc/cmdline 2> /dev/null
}

# Print the value of kernel parameter NAME; the last one wins. Fails when it is not there. Here and
# below the body is a subshell where it has options or variables of its own.
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

# Print parameter NAME when it is a number, else DEFAULT.
kjump_number() (
    value=$(kjump_getarg "$1")
    case $value in
    *[!0-9]* | "") echo "$2" ;;
    *) echo "$value" ;;
    esac
)

# Seconds since the kernel was started.
kjump_now() (
    read -r now _ < /proc/uptime
    echo "${now%%.*}"
)

# A late attempt is due: the device may take SECONDS from then on, but at least TIMEOUT from now on.
kjump_plan_late() {
    echo "$1 $(($(kjump_now) + $2))" > "$kjump_state/late-attempt"
}

# "early", "late", or "unknown" when neither the name nor the initramfs tells.
kjump_kind() (
    kind=unknown
    case $1 in
    /dev/disk/*) ;;
    /dev/dm-* | /dev/md* | /dev/*/*) kind=late ;;
    esac
    if [ -r "$kjump_etc/kjump.targets" ]; then
        while read -r word name; do
            [ "$name" != "$1" ] || kind=$word
        done < "$kjump_etc/kjump.targets"
    fi
    echo "$kind"
)

# Only drivers of disks and their controllers: what A has left of other devices in an orderly state
# is best found by A as it is, so neither graphics nor network drivers are loaded before it runs.
kjump_load_modules() (
    [ -r "$kjump_etc/kjump.modules" ] || return 0
    while read -r module; do
        modprobe -q "$module" < /dev/null 2> /dev/null
    done < "$kjump_etc/kjump.modules"
    return 0
)

# --- splash screens -------------------------------------------------------------------------------

kjump_splash() {
    command -v plymouth > /dev/null && plymouth "$@" 2> /dev/null
}

# Run kjump-restore. What it says behind a splash is seen by nobody, so it is kept.
kjump_restore() (
    if kjump_splash --ping; then
        kjump-restore "$@" 2> "$kjump_state/hidden-messages"
        status=$?
        cat "$kjump_state/hidden-messages" >&2
        return $status
    fi
    kjump-restore "$@"
)

# Call a function that talks to the user. A splash would hide the talk and take the keys; it gives
# the screen back meanwhile, with what was said behind it.
kjump_in_sight() (
    kjump_splash --ping || { "$@"; return; }
    kjump_splash deactivate
    [ ! -r "$kjump_state/hidden-messages" ] || cat "$kjump_state/hidden-messages" >&2
    "$@"
    status=$?
    kjump_splash reactivate
    return $status
)

# --- when it fails --------------------------------------------------------------------------------

# Through the kernel, which every initramfs has; the command is called in other ways in each.
kjump_power_off() {
    kjump_say "$1: powering off; the image stays as it is"
    sync
    { echo o > /proc/sysrq-trigger; } 2> /dev/null || poweroff -f
    while :; do sleep 60; done
}

kjump_shell() {
    kjump_say "$1: a shell; the boot goes on when it ends"
    sh -i < /dev/console > /dev/console 2>&1
}

# Ask what to do. Returns 0 to try again, 1 to boot on.
kjump_ask() (
    # The program asks on all consoles, and takes no answer in time for "c".
    case $(kjump-restore --ask "$2") in
    r) return 0 ;;
    p) kjump_power_off "$1" ;;
    esac
    return 1
)

# The image could not be restored. Returns 0 to try again, 1 to boot on.
kjump_failed() (
    onfail=$(kjump_getarg rd.kjump.onfail)
    case $onfail in
    boot) return 1 ;;
    poweroff) kjump_power_off "$1" ;;
    shell) kjump_in_sight kjump_shell "$1"; return 1 ;;
    esac
    seconds=${onfail#wait=}
    case $seconds in
    *[!0-9]* | "") seconds=10 ;;
    esac
    kjump_in_sight kjump_ask "$1" "$seconds"
)

# --- attempts -------------------------------------------------------------------------------------

# Try to restore TARGET, which may take WAIT seconds to appear. Returns when that failed (1) and when
# there is nothing to restore (3).
kjump_try() (
    again=
    ! kjump_getarg rd.kjump.again > /dev/null || again=--again
    force=$(kjump_getarg rd.kjump.force)
    while :; do
        # shellcheck disable=SC2086 # an empty option must vanish
        kjump_restore --wait "$2" $again ${force:+"--force=$force"} "$1"
        status=$?
        echo yes > "$kjump_state/waited"
        if [ $status -eq 3 ]; then
            kjump_say "$1: there is nothing to restore; booting on"
            echo yes > "$kjump_state/nothing-there"
            return 3
        fi
        kjump_say "$1: not restored (kjump-restore: status $status)"
        kjump_failed "$1" || break
    done
    kjump_say "$1: booting on"
    return 1
)

# Does not return when there is an image and it can be restored.
kjump_restore_early() (
    umask 022
    target=$(kjump_getarg rd.kjump.resume)
    [ -n "$target" ] || return 0
    mkdir -p "$kjump_state"

    # From here on an image on the target is outdated by the boot that goes on.
    echo "$target" > "$kjump_state/target"
    timeout=$(kjump_number rd.kjump.timeout 10)
    kind=$(kjump_kind "$target")
    if kjump_switched_off; then
        kjump_say "$target: restoring is switched off on the kernel command line; booting on"
        # Only for its image to be marked.
        [ "$kind" = early ] || kjump_plan_late 0 "$timeout"
        return 0
    fi
    if [ "$kind" = late ]; then
        kjump_plan_late "$timeout" "$timeout"
        return 0
    fi
    kjump_load_modules
    kjump_try "$target" "$timeout"
    # It may be one that has to be assembled after all.
    [ $? -ne 3 ] || [ "$kind" = early ] || kjump_plan_late 0 "$timeout"
    return 0
)

# Is DEVICE there that a late attempt is due for, or none due, or the time over?
kjump_wait_is_over() (
    [ -s "$kjump_state/late-attempt" ] && [ ! -b "$1" ] || return 0
    read -r _ end < "$kjump_state/late-attempt"
    [ "$(kjump_now)" -ge "$end" ]
)

kjump_restore_late() (
    umask 022
    [ -s "$kjump_state/late-attempt" ] || return 0
    read -r timeout end < "$kjump_state/late-attempt"
    left=$((end - $(kjump_now)))
    [ "$left" -le "$timeout" ] || timeout=$left
    : > "$kjump_state/late-attempt"
    kjump_switched_off && return 0
    : > "$kjump_state/nothing-there"
    read -r target < "$kjump_state/target"
    kjump_try "$target" "$timeout"
    return 0
)

# The root file system is about to be changed: whoever restored the image after that would destroy
# it, so the image is marked.
kjump_mark_before_root() (
    umask 022
    [ -s "$kjump_state/target" ] && [ ! -s "$kjump_state/settled" ] || return 0
    read -r target < "$kjump_state/target"
    timeout=0
    [ -s "$kjump_state/waited" ] || timeout=$(kjump_number rd.kjump.timeout 10)
    # A target that had nothing is looked at once more, because its device may have come since; that
    # there is still nothing was said already.
    exec 3>&2
    [ ! -s "$kjump_state/nothing-there" ] || exec 3> /dev/null
    kjump-restore --wait "$timeout" --boot-on "booted on without restoring" "$target" 2>&3
    case $? in
    0) echo yes > "$kjump_state/settled" ;;
    3) ;;
    *) kjump_say "$target: could not be marked; do not restore its image any more" ;;
    esac
    return 0
)

# What kjump_mark_before_root does, for when the initramfs has no hook or did not find the device.
kjump_mark_in_system() (
    umask 022
    if [ ! -s "$kjump_state/target" ]; then
        target=$(kjump_getarg rd.kjump.resume)
        [ -n "$target" ] || return 0
        mkdir -p "$kjump_state"
        echo "$target" > "$kjump_state/target"
    fi
    kjump_mark_before_root
)
