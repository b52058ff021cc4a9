# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The key of sealed images, for kjump-core.sh, which sources this. An initramfs has the container that
# it lies in, and a list of what unlocks that; without a container nothing here does anything.
# shellcheck disable=SC2154 # kjump_etc is set there

kjump_mapping=kjump-key
kjump_dev=/dev
# Where Debian's question for a root's passphrase is answered by others.
kjump_askpass=/lib/cryptsetup

kjump_has_key() {
    [ -s "$kjump_etc/kjump/key.luks" ]
}

# Does something of KIND ("tpm2", "fido2") unlock the container?
kjump_unlocked_by() (
    [ -r "$kjump_etc/kjump.unlock" ] || return 1
    while read -r kind; do
        [ "$kind" != "$1" ] || return 0
    done < "$kjump_etc/kjump.unlock"
    return 1
)

# Run a program that makes mappings. It must not wait for udev: the socket may be there already while
# the daemon is not started before these hooks have ended.
kjump_luks() {
    DM_DISABLE_UDEV=1 "$@"
}

# Print where systemd's program for LUKS is; fails when there is none.
kjump_systemd_cryptsetup() (
    for program in /usr/lib/systemd/systemd-cryptsetup /lib/systemd/systemd-cryptsetup \
        /usr/bin/systemd-cryptsetup; do
        [ ! -x "$program" ] || { echo "$program" && return 0; }
    done
    return 1
)

# By a token of KIND, without a question. Where it asks for a PIN, nothing answers: a passphrase is
# asked for then.
kjump_by_token() (
    container=$kjump_etc/kjump/key.luks
    if program=$(kjump_systemd_cryptsetup); then
        kjump_luks "$program" attach "$kjump_mapping" "$container" - \
            "luks,read-only,headless=1,tries=1,token-timeout=10s,$1-device=auto" < /dev/null
    else
        kjump_luks cryptsetup open --type luks2 --readonly --token-only --token-type "systemd-$1" \
            "$container" "$kjump_mapping" < /dev/null
    fi
)

# How long a passphrase is waited for until its first key: without end, but where nobody is expected.
kjump_patience() (
    onfail=$(kjump_getarg rd.kjump.onfail)
    case $onfail in
    boot | poweroff | reboot) echo 60 ;;
    *) kjump_seconds "${onfail#wait=}" infinity ;;
    esac
)

kjump_by_passphrase() {
    kjump_load keyboards
    kjump_luks kjump-restore --unlock "$(kjump_patience)" -- \
        cryptsetup open --type luks2 --readonly --key-file - "$kjump_etc/kjump/key.luks" "$kjump_mapping"
}

# Open the container, TARGET given for the messages. What was opened is noted for kjump_run.
kjump_open_key() (
    kjump_load crypto
    if kjump_unlocked_by tpm2 && kjump_by_token tpm2; then
        :
    elif kjump_unlocked_by fido2 && kjump_load keyboards &&
        kjump_say "$1: sealed; touch the security key, if it blinks" && kjump_by_token fido2; then
        :
    elif ! kjump_by_passphrase; then
        kjump_keep reason "the key was not unlocked"
        return 1
    fi
    kjump_keep key open
)

# See to it that TARGET, which may take WAIT seconds to appear, can be restored: where an image waits
# that is sealed, open the key. Returns 0, or what kjump-restore would: 1, 3 and 6. Where there is a
# key, an image in clear is refused: anybody could have put it there.
kjump_unlock() (
    kjump_has_key || return 0
    kind=$(kjump-restore --waits --wait "$2" "$1")
    status=$?
    case $status in
    0) ;;
    3 | 6) return $status ;;
    *)
        kjump_keep reason "what waits there could not be told"
        return 1
        ;;
    esac
    if [ "$kind" = sealed ]; then
        kjump_open_key "$1"
        return
    fi
    kjump_is_set rd.kjump.unsealed && return 0
    kjump_keep reason "the image is not sealed, and those of this system are"
    kjump_say "$1: the image is not sealed, and those of this system are: perhaps it is somebody" \
        "else's; rd.kjump.unsealed=1 restores it all the same"
    return 1
)

# Run kjump-restore, with the key when it was opened. It takes the place of this shell, so that nobody
# else holds the mapping, which is gone as soon as it was read and closed.
kjump_run() (
    if kjump_kept key > /dev/null; then
        kjump_keep key
        exec 3< "$kjump_dev/mapper/$kjump_mapping"
        kjump_luks cryptsetup close --deferred "$kjump_mapping" > /dev/null
        ! kjump_is_set rd.kjump.unsealed || set -- --unsealed "$@"
        set -- --key-fd 3 "$@"
    fi
    exec kjump-restore "$@"
)

# The boot goes on, and may need the passphrase for its root. systemd finds it in the keyring; Debian's
# scripts take it in the place of the first answer to their question.
kjump_offer_passphrase() {
    kjump_has_key && [ -e "$kjump_askpass/askpass" ] || return 0
    kjump-restore --answer "$kjump_askpass/passfifo" < /dev/null > /dev/null 2>&1 &
}
