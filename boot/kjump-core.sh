# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Restoring at boot, for every kind of initramfs: sourced by its hooks, functions only. The order is
# kjump_restore_early, kjump_restore_late, kjump_mark_before_root, and kjump_mark_in_system in the
# real root. docs/boot.md says when each of them runs, and what they tell each other in files. All of
# them return 0: whatever fails, the boot goes on.

# Where the other parts are: in every initramfs there, in the system where kjump is installed.
: "${kjump_scripts:=/lib/kjump}"
kjump_state=/run/kjump-boot
kjump_etc=/etc
kjump_proc=/proc

# shellcheck source=boot/kjump-parameters.sh
. "$kjump_scripts/kjump-parameters.sh"
# shellcheck source=boot/kjump-ask.sh
. "$kjump_scripts/kjump-ask.sh"
# shellcheck source=boot/kjump-unlock.sh
. "$kjump_scripts/kjump-unlock.sh"

kjump_say() {
    printf 'kjump: %s\n' "$*" >&2
}

# Keep the words WHAT for later; without any, forget them. Not every initramfs has rm.
kjump_keep() (
    name=$1
    shift
    printf '%s\n' "$*" > "$kjump_state/$name"
)

# Print what was kept as NAME. Fails when there is nothing.
kjump_kept() (
    [ -r "$kjump_state/$1" ] && read -r text < "$kjump_state/$1" && [ -n "$text" ] &&
        printf '%s\n' "$text"
)

# --- time -------------------------------------------------------------------------------------------

# Seconds since the kernel was started.
kjump_now() (
    read -r now _ < "$kjump_proc/uptime"
    echo "${now%%.*}"
)

# Print the seconds that are still to be waited for the device: of rd.kjump.timeout, which counts once.
kjump_left() (
    left=$(kjump_kept seconds) || left=0
    if [ "$left" != infinity ] && end=$(kjump_kept until); then
        left=$((end - $(kjump_now)))
        [ "$left" -ge 0 ] || left=0
    fi
    echo "$left"
)

# The same where nobody is asked, because restoring is switched off or there was no hook: a boot does not
# stand still for ever for a device whose image shall only be marked.
kjump_left_to_mark() (
    left=$(kjump_left)
    if [ "$left" = infinity ]; then
        left=60
        if end=$(kjump_kept until); then
            left=$((end - $(kjump_now)))
            [ "$left" -ge 0 ] || left=0
        fi
    fi
    echo "$left"
)

# It was waited for since the time BEGUN.
kjump_spend() (
    left=$(kjump_left)
    [ "$left" = infinity ] || kjump_kept until > /dev/null || {
        left=$((left - $(kjump_now) + $1))
        [ "$left" -ge 0 ] || left=0
        kjump_keep seconds "$left"
    }
)

# --- what the initramfs was made with ---------------------------------------------------------------

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

# Load the drivers that a list names, "modules", "keyboards" or "crypto". Only those: what A has left of other
# devices in an orderly state is best found by A as it is, so neither graphics nor network drivers
# are loaded before it runs, and those of keyboards when there is something to ask.
kjump_load() (
    [ -r "$kjump_etc/kjump.$1" ] || return 0
    while read -r module; do
        modprobe -q "$module" < /dev/null 2> /dev/null
    done < "$kjump_etc/kjump.$1"
    return 0
)

# --- attempts ---------------------------------------------------------------------------------------

# Try to restore TARGET, which may take WAIT seconds to appear. Returns when that failed or was stopped
# (1), when there is nothing to restore (3), and when the device is not there (6).
kjump_try() (
    again='' retry=''
    ! kjump_is_set rd.kjump.again || again=--again
    force=$(kjump_getarg rd.kjump.force)
    cpus=$(kjump_getarg rd.kjump.cpus)
    begun=$(kjump_now)
    while :; do
        kjump_unlock "$1" "$2"
        status=$?
        # shellcheck disable=SC2086 # no option, no word
        [ $status -ne 0 ] || kjump_restore --wait "$2" $again $retry ${force:+"--force=$force"} \
            ${cpus:+"--cpus=$cpus"} "$1" || status=$?
        case $status in
        3)
            kjump_say "$1: there is nothing to restore; booting on"
            kjump_keep outcome nothing
            return 3
            ;;
        4)
            kjump_keep outcome failed
            kjump_say "$1: stopped; booting on without the system that is saved there"
            return 1
            ;;
        6)
            kjump_spend "$begun"
            kjump_keep outcome absent
            return 6
            ;;
        7) kjump_keep settled yes ;;
        esac
        kjump_keep outcome failed
        kjump_say "$1: not restored (kjump-restore: status $status)"
        kjump_failed "$1" $status || break
        retry=--retry
        # Whoever answers that question has seen that it was handed over.
        [ $status -ne 8 ] || again=--again
    done
    kjump_say "$1: booting on"
    return 1
)

# A question stood there since the time BEGUN. systemd gives a device 90 seconds to appear, which are over
# before udev is there to find it: what waits for encrypted ones is started once more.
kjump_revive() (
    [ $(($(kjump_now) - $1)) -ge 60 ] && command -v systemctl > /dev/null || return 0
    systemctl --no-block start cryptsetup.target > /dev/null 2>&1
    return 0
)

# Does not return when there is an image and it can be restored.
kjump_restore_early() (
    umask 022
    mkdir -p "$kjump_state"
    kjump_keep hook yes
    target=$(kjump_getarg rd.kjump.resume)
    [ -n "$target" ] || return 0

    # From here on an image on the target is outdated by the boot that goes on.
    kjump_keep target "$target"
    kjump_keep seconds "$(kjump_seconds "$(kjump_getarg rd.kjump.timeout)" 10)"
    kind=$(kjump_kind "$target")
    if kjump_switched_off; then
        kjump_say "$target: restoring is switched off on the kernel command line; booting on"
        kjump_keep reason "restoring was switched off"
        kjump_keep off yes
        # Only for its image to be marked.
        [ "$kind" = early ] || kjump_keep late yes
        return 0
    fi
    if [ "$kind" = late ]; then
        kjump_keep late yes
        return 0
    fi
    # Without udev not for ever; and half of the time is for what has to be assembled after all.
    wait=$(kjump_left)
    [ "$wait" != infinity ] || wait=10
    [ "$kind" = early ] || wait=$((wait / 2))
    kjump_load modules
    begun=$(kjump_now)
    kjump_try "$target" "$wait"
    # A driver that udev finds may still bring it.
    [ $? -ne 6 ] || kjump_keep late yes
    kjump_revive "$begun"
    kjump_offer_passphrase
    return 0
)

# Is the device there that a late attempt is due for, or none due, or the time over? Whoever calls
# this waits for it in a loop, in which other things go on, and which must not last for ever.
kjump_wait_is_over() (
    [ -n "$(kjump_kept late)" ] && target=$(kjump_kept target) || return 0
    kjump-restore --find "$target" > /dev/null
    [ $? -eq 6 ] || return 0
    if ! kjump_kept until > /dev/null; then
        left=$(kjump_left)
        [ "$left" != infinity ] || left=60
        kjump_keep until $(($(kjump_now) + left))
    fi
    [ "$(kjump_now)" -ge "$(kjump_kept until)" ]
)

kjump_restore_late() (
    umask 022
    [ -n "$(kjump_kept late)" ] && target=$(kjump_kept target) || return 0
    kjump_keep late
    kjump_switched_off && return 0
    wait=$(kjump_left)
    while :; do
        kjump_try "$target" "$wait"
        [ $? -eq 6 ] || return 0
        kjump_say "$target: not there, so a system that is saved on it cannot be restored"
        kjump_failed "$target" 6 || break
        wait=$(kjump_seconds "$(kjump_getarg rd.kjump.timeout)" 10)
    done
    kjump_say "$target: booting on"
    return 0
)

# The root file system is about to be changed: whoever restored the image after that would destroy
# it, so the image is marked.
kjump_mark_before_root() (
    umask 022
    target=$(kjump_kept target) && ! kjump_kept settled > /dev/null || return 0
    wait=0
    case $(kjump_kept outcome) in
    nothing) return 0 ;;
    "") wait=$(kjump_left_to_mark) ;;
    esac
    reason="booted on without restoring"
    why=$(kjump_kept reason) && reason="booted on: $why"
    kjump-restore --wait "$wait" --boot-on "$reason" "$target"
    case $? in
    0) kjump_keep settled yes ;;
    3) ;;
    6) kjump_say "$target: not there, so an image on it was not marked; do not restore it any more" ;;
    *) kjump_say "$target: could not be marked; do not restore its image any more" ;;
    esac
    return 0
)

# What kjump_mark_before_root does, for when the initramfs has no hook or did not find the device.
kjump_mark_in_system() (
    umask 022
    if ! kjump_kept target > /dev/null; then
        target=$(kjump_getarg rd.kjump.resume)
        [ -n "$target" ] || return 0
        mkdir -p "$kjump_state"
        kjump_keep target "$target"
        kjump_keep seconds "$(kjump_seconds "$(kjump_getarg rd.kjump.timeout)" 10)"
    fi
    kjump_mark_before_root
)
