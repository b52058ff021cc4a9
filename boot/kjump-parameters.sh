# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel parameters, for kjump-core.sh, which sources this:
#
#   rd.kjump.resume=TARGET  device with the image: UUID=, PARTUUID=, LABEL=, PARTLABEL= or a path;
#                           UUID=...@N: file of that file system, at byte N of its device
#   rd.kjump.timeout=N      seconds to wait for that device (10), or infinity
#   rd.kjump.onfail=DO      when an image cannot be restored, or its device is not there: boot,
#                           poweroff, shell, or wait=N: say so, and boot on after N seconds without
#                           an answer (wait=10), or never (wait=infinity); reboot: up to three times
#                           for an image, then as wait
#   rd.kjump.force=WHAT,... restore although something differs: devices, efi, older
#   rd.kjump.cpus=N         put pages in place with N CPUs at most (all)
#   rd.kjump.unsealed       restore an image in clear though the initramfs has a key
#   rd.kjump.again          restore an image once more that was handed over before
#   rd.kjump=0, noresume    do not restore
#
# shellcheck disable=SC2154 # kjump_etc and kjump_proc are set there

# Print the value of kernel parameter NAME; the last one wins. Fails when it is not there. The files
# are dracut's, in the initramfs, and come first: the kernel command line has the last word. Here and
# below the body is a subshell where it has variables of its own.
kjump_getarg() (
    set +f
    [ ! -e "$kjump_etc/initrd-release" ] ||
        set -- "$1" "$kjump_etc"/cmdline.d/*.conf "$kjump_etc/cmdline"
    kjump-restore --parameter "$@" "$kjump_proc/cmdline"
)

# Is switch NAME on the command line, and not as NAME=no? What a no is, as systemd has it.
kjump_is_set() (
    value=$(kjump_getarg "$1") || return 1
    ! kjump_is_no "$value"
)

kjump_is_no() {
    case $1 in
    0 | [Nn] | [Nn][Oo] | [Ff] | [Ff][Aa][Ll][Ss][Ee] | [Oo][Ff][Ff]) return 0 ;;
    esac
    return 1
}

kjump_switched_off() (
    kjump_is_set noresume || { value=$(kjump_getarg rd.kjump) && kjump_is_no "$value"; }
)

# Print TEXT when it is a number of seconds, of which a day is enough, or infinity; else DEFAULT.
kjump_seconds() (
    seconds=$1
    case $seconds in
    infinity) ;;
    *[!0-9]* | "") seconds=$2 ;;
    *)
        # To the shell 08 is an octal number, and a wrong one.
        seconds=${seconds#"${seconds%%[!0]*}"}
        seconds=${seconds:-0}
        [ "${#seconds}" -le 5 ] && [ "$seconds" -le 86400 ] || seconds=86400
        ;;
    esac
    echo "$seconds"
)
