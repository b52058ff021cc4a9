# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What an initramfs has to know to restore early, found out while it is built: which drivers
# to load, and whether the target needs assembly or unlocking. For every kind of initramfs:
# sourced by its builder, functions only. And by what systemd runs, for the target alone.

# The program that finds drivers, which also does so for kernel B; set by whoever sources this.
kjump_find_modules=
kjump_conf=/etc/kjump.conf
# The container of the key of sealed images. Public: what it tells without something that unlocks it is
# what does so.
kjump_key=/etc/kjump/key.luks
kjump_sys=/sys

# Print what the hooks source at boot: kjump-core.sh, which sources the others. They look for that
# one, so it is put in last, after everything that it needs: a "." that finds nothing ends the
# shell, and with it the boot.
kjump_scripts() {
    echo kjump-parameters.sh kjump-ask.sh kjump-unlock.sh kjump-core.sh
}

# Print the target that is configured; fails when there is none. As in kjump itself the last line
# counts, one without a value as well.
kjump_configured() {
    [ -r "$kjump_conf" ] || return 1
    sed -n 's/^[[:space:]]*target[[:space:]]*=[[:space:]]*//p' "$kjump_conf" |
        sed -n '${ s/[[:space:]]*$//; p; }' | grep .
}

# Print the name that a claimed FILE has for those who mount nothing, UUID=...@N: its first bytes say
# where it lies (docs/image-format.md). Fails when it is none.
kjump_file_name() (
    [ -f "$1" ] && [ "$(od -An -tx1 -N8 "$1" | tr -d ' \n')" = 894b4a46494c450a ] || return 1
    device=$(od -An -v -tc -j48 -N64 "$1" | tr -d ' \n' | sed 's/\\0.*//')
    place=$(od -An -tu8 -j16 -N8 "$1" | tr -d ' \n')
    [ -n "$device" ] && echo "$device@$place"
)

# Print N of UUID=...@N; fails when TARGET is no name of a file.
kjump_place() (
    case $1 in
    UUID=*@* | UUID_SUB=*@* | PARTUUID=*@*) ;;
    *) return 1 ;;
    esac
    place=${1##*@}
    case $place in
    *[!0-9]* | '') return 1 ;;
    esac
    echo "$place"
)

# Print the block device that TARGET names, or that its file lies on, by the name that it has in
# /sys/class/block: findfs prints /dev/mapper/NAME for what is /dev/dm-0.
kjump_resolve() (
    path=$1
    ! kjump_place "$1" > /dev/null || set -- "${1%@*}"
    case $1 in
    *=*) path=$(findfs "$1" 2> /dev/null) || return 1 ;;
    esac
    readlink -e "$path"
)

# Does device NAME (as in /sys/class/block) exist only after assembly or unlocking, itself or the
# disk that it is a partition of?
kjump_is_stacked() (
    device=$(readlink -f "$kjump_sys/class/block/$1")
    [ ! -e "$device/partition" ] || device=${device%/*}
    [ -e "$device/dm" ] || [ -e "$device/md" ] || [ -n "$(ls -A "$device/slaves" 2> /dev/null)" ]
)

# Print the names by which a parameter may call DEVICE, one a line.
kjump_names() (
    echo "$1"
    for tag in UUID LABEL PARTUUID PARTLABEL; do
        value=$(blkid -s "$tag" -o value "$1" 2> /dev/null) || continue
        echo "$tag=$value"
        # As udev and boot loaders write it.
        echo "$tag=$value" | sed 's/ /\\x20/g'
    done
)

# Print the lines of /etc/kjump.targets: all names of the configured target.
kjump_targets() (
    target=$(kjump_configured) || return 0
    name=$(kjump_file_name "$target") || name=$target
    device=$(kjump_resolve "$name") || return 0
    kind=early
    ! kjump_is_stacked "${device##*/}" || kind=late
    place=$(kjump_place "$name") && place=@$place
    { echo "$name"; kjump_names "$device" | sed "s/\$/$place/"; } |
        awk -v kind="$kind" '!seen[$0]++ { print kind, $0 }'
)

# Print the lines of /etc/kjump.modules for the kernel whose modules lie in DIRECTORY: the drivers of
# all disks here, because the file systems that are checked before a restore lie on any of them. With
# WHERE = "any", also those of other machines.
kjump_modules() (
    [ -r "$1/modules.dep" ] || return 0
    {
        "$kjump_find_modules" --names "$1"
        [ "$2" != any ] || "$kjump_find_modules" --all-storage --names "$1"
    } | awk '!seen[$0]++'
)

# Print the lines of /etc/kjump.keyboards: the drivers of keyboards, by which somebody may have to say
# what to do.
kjump_keyboards() (
    [ -r "$1/modules.dep" ] || return 0
    "$kjump_find_modules" --keyboards --names "$1"
)

# --- the key of sealed images -----------------------------------------------------------------------

# Print the lines of /etc/kjump.unlock: kinds of tokens that unlock the container without a question, as
# systemd-cryptenroll(1) writes them into its header. Fails when there is no container.
kjump_unlock_kinds() (
    [ -s "$kjump_key" ] || return 1
    head -c 65536 "$kjump_key" | tr -c '[:print:]' '\n' |
        sed 's/"type":"systemd-/\
&/g' |
        sed -n 's/^"type":"systemd-\([a-z0-9]*\)".*/\1/p' | grep -x -e tpm2 -e fido2 | awk '!seen[$0]++'
    return 0
)

# Print the lines of /etc/kjump.crypto for the kernel whose modules lie in DIRECTORY: what opens the
# container, and TPMs.
kjump_unlock_modules() (
    [ -s "$kjump_key" ] && [ -r "$1/modules.dep" ] || return 0
    "$kjump_find_modules" --keys --names "$1"
)

# Print the programs and libraries that open the container, with systemd's own one in an initramfs WITH =
# "systemd". Libraries that those are linked to follow by themselves; the others are loaded when they are
# wanted, so nobody else knows of them, nor what they are linked to: dracut asks that of executable
# files, and Debian's libraries are none. Fails when there is no cryptsetup.
kjump_unlock_files() (
    PATH=$PATH:/usr/sbin:/sbin
    program=$(command -v cryptsetup) || return 1
    echo "$program"
    folder=$(ldd "$program" 2> /dev/null | sed -n 's|.*=> \(/.*\)/libcryptsetup\.so[^/]*$|\1|p')
    [ ! -d "/usr$folder" ] || folder=/usr$folder
    # Threads that end, as those of Argon2 do, want the first one.
    libraries=libgcc_s.so.1
    for kind in $(kjump_unlock_kinds); do
        libraries="$libraries cryptsetup/libcryptsetup-token-systemd-$kind.so"
        case $kind in
        tpm2)
            libraries="$libraries libtss2-esys.so.0 libtss2-rc.so.0 libtss2-mu.so.0
                libtss2-tcti-device.so.0"
            ;;
        fido2) libraries="$libraries libfido2.so.1" ;;
        esac
    done
    [ "$1" != systemd ] || for path in /usr/lib/systemd/systemd-cryptsetup \
        /lib/systemd/systemd-cryptsetup /usr/bin/systemd-cryptsetup; do
        [ ! -x "$path" ] || { echo "$path" && break; }
    done
    for library in $libraries; do
        [ -e "$folder/$library" ] || continue
        echo "$folder/$library"
        ldd "$folder/$library" 2> /dev/null | sed -n 's|.* => \(/[^ ]*\) .*|\1|p'
    done
)
