# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What happens when an image cannot be restored, for kjump-core.sh, which sources this.
# shellcheck disable=SC2154 # kjump_state and kjump_proc are set there

# --- splash screens ---------------------------------------------------------------------------------

kjump_splash() {
    command -v plymouth > /dev/null && plymouth "$@" 2> /dev/null
}

# Run kjump-restore, which speaks to a splash itself, and keep the reason when it fails. What it says behind a splash is seen by
# nobody, so it is kept as well.
kjump_restore() (
    exec > "$kjump_state/reason"
    if kjump_splash --ping; then
        kjump_run "$@" 2> "$kjump_state/hidden-messages"
        status=$?
        cat "$kjump_state/hidden-messages" >&2
        return $status
    fi
    kjump_run "$@"
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

# --- when it fails ----------------------------------------------------------------------------------

# Through the kernel, which every initramfs has; the command is called in other ways in each.
kjump_power_off() {
    kjump_say "$1: powering off"
    sync
    { echo o > "$kjump_proc/sysrq-trigger"; } 2> /dev/null || poweroff -f
    while :; do sleep 60; done
}

kjump_restart() {
    kjump_say "$1: starting the machine anew; the image stays as it is"
    sync
    { echo b > "$kjump_proc/sysrq-trigger"; } 2> /dev/null || reboot -f
    while :; do sleep 60; done
}

kjump_shell() {
    kjump_say "$1: a shell; the boot goes on when it ends"
    sh -i < /dev/console > /dev/console 2>&1
}

# Ask what to do, TARGET and options of --ask given. Returns 0 to try again, 1 to boot on.
kjump_ask() (
    target=$1
    shift
    # The program asks on all consoles, and takes no answer in time for "c".
    case $(kjump-restore --ask "$@") in
    r) return 0 ;;
    p) kjump_power_off "$target" ;;
    esac
    return 1
)

# The image could not be restored, with the status of kjump-restore. Returns 0 to try again, 1 to
# boot on.
kjump_failed() (
    onfail=$(kjump_getarg rd.kjump.onfail)
    case $onfail in
    boot) return 1 ;;
    poweroff) kjump_power_off "$1" ;;
    reboot)
        # Firmware may lay out its memory in another way at the next boot. That is tried a few times,
        # but neither for an image that is lost nor for one that waits for somebody to decide.
        if [ "$2" -eq 1 ] && kjump-restore --count-reboot "$1"; then
            kjump_restart "$1"
        fi
        ;;
    esac
    kjump_load keyboards
    if [ "$onfail" = shell ]; then
        kjump_in_sight kjump_shell "$1"
        return 1
    fi
    # What was handed over and did not come back is kept until somebody decides.
    default=10
    [ "$2" -ne 8 ] || default=infinity
    seconds=$(kjump_seconds "${onfail#wait=}" $default)
    # An image that is lost is not tried again.
    retry=
    [ "$2" -ne 7 ] || retry=--no-retry
    # shellcheck disable=SC2086 # no option, no word
    kjump_in_sight kjump_ask "$1" "$seconds" $retry
)
