/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every path that the `kjump` command reads or writes. Code that can be tested on fixtures takes
 * its path as an argument; these are what the running system is given.
 */
#ifndef KJUMP_PATHS_H
#define KJUMP_PATHS_H

#include "common/error.h"

#ifndef KJUMP_PREFIX
#define KJUMP_PREFIX "/usr/local"
#endif

#define PATH_CONFIG "/etc/kjump.conf"

/* The keys of sealed images: the container, which each initramfs has as well, and the sender's. */
#define PATH_KEYS   "/etc/kjump"
#define PATH_KEY    PATH_KEYS "/key.luks"
#define PATH_SENDER PATH_KEYS "/sender.key"

/* What kjump keeps from one run to the next; gone after a boot, back after a restore. */
#define PATH_RUN       "/run/kjump"
#define PATH_LOCK      PATH_RUN "/lock"
#define PATH_STATE     PATH_RUN "/state"
#define PATH_REHEARSED PATH_RUN "/rehearsed"
#define PATH_DIGEST    PATH_RUN "/digest"
#define PATH_SWITCHED  PATH_RUN "/switched-off"
#define PATH_LAST      PATH_RUN "/last"
#define PATH_HUGE      PATH_RUN "/huge"
#define PATH_MAILBOX   PATH_HUGE "/mailbox"

/* Programs that run around a jump. */
#define PATH_HOOKS		"/etc/kjump.d"
#define PATH_SYSTEM_SLEEP	"/usr/lib/systemd/system-sleep"
#define PATH_SYSTEM_SLEEP_SPLIT "/lib/systemd/system-sleep"
#define PATH_LOGINCTL		"/usr/bin/loginctl"
/* There where systemd is process 1 (sd_booted(3)). */
#define PATH_SYSTEMD_RUNS "/run/systemd/system"

/* What the hook of the initramfs leaves (docs/boot.md). */
#define PATH_BOOT_HOOK	  "/run/kjump-boot/hook"
#define PATH_BOOT_TARGET  "/run/kjump-boot/target"
#define PATH_BOOT_OUTCOME "/run/kjump-boot/outcome"
#define PATH_BOOT_REASON  "/run/kjump-boot/reason"
#define PATH_BOOT_SETTLED "/run/kjump-boot/settled"
#define PATH_BOOT_OFF	  "/run/kjump-boot/off"
/* What kjump-restore leaves for the system that comes up (restore/footprint.h). */
#define PATH_FOOTPRINT "/run/kjump-boot/footprint"

#define PATH_BOOT	      "/boot"
#define PATH_MKINITCPIO	      "/etc/mkinitcpio.conf"
#define PATH_LIB_MODULES      "/lib/modules"
#define PATH_UPDATE_INITRAMFS KJUMP_PREFIX "/lib/kjump/update-initramfs"
/* Tells which modules the disks of this machine need. */
#define PATH_BUSCTL	  "/usr/bin/busctl"
#define PATH_JOURNALCTL	  "/usr/bin/journalctl"
#define PATH_FIND_MODULES KJUMP_PREFIX "/lib/kjump/modules"
/* Made on the machine, for each kernel: .../initramfs-RELEASE.img. */
#define PATH_LIB     "/var/lib/kjump"
#define PATH_HISTORY PATH_LIB "/history.jsonl"
/* MiB that kernel B was short of. */
#define PATH_HOME_MORE PATH_LIB "/home-more"
/* Kernel B's memory, and what is there while it is not known whether that can be used. */
#define PATH_KEPT		 PATH_LIB "/b.img"
#define PATH_KEPT_TRIED		 PATH_LIB "/b.tried"
#define PATH_INITRAMFS_MADE	 PATH_LIB "/initramfs.img"
#define PATH_INITRAMFS		 "/usr/lib/kjump/initramfs.img"
#define PATH_INITRAMFS_OF_PREFIX KJUMP_PREFIX "/lib/kjump/initramfs.img"

#define PATH_PROC	"/proc"
#define PATH_MEM_SLEEP	"/sys/power/mem_sleep"
#define PATH_CMDLINE	"/proc/cmdline"
#define PATH_CPUINFO	"/proc/cpuinfo"
#define PATH_IOMEM	"/proc/iomem"
#define PATH_KALLSYMS	"/proc/kallsyms"
#define PATH_KCORE	"/proc/kcore"
#define PATH_KCONFIG_GZ "/proc/config.gz"
#define PATH_KPAGEFLAGS "/proc/kpageflags"
#define PATH_MOUNTS	"/proc/self/mounts"
#define PATH_MOUNTINFO	"/proc/self/mountinfo"
#define PATH_OSRELEASE	"/proc/sys/kernel/osrelease"
#define PATH_PAGEMAP	"/proc/self/pagemap"
#define PATH_MEMINFO	"/proc/meminfo"
#define PATH_MODULES	"/proc/modules"
#define PATH_SWAPS	"/proc/swaps"
#define PATH_ZONEINFO	"/proc/zoneinfo"

#define PATH_DROP_CACHES  "/proc/sys/vm/drop_caches"
#define PATH_COMPACT	  "/proc/sys/vm/compact_memory"
#define PATH_NMI_WATCHDOG "/proc/sys/kernel/nmi_watchdog"

#define PATH_FIRMWARE_MAP   "/sys/firmware/memmap"
#define PATH_BOOT_PARAMS    "/sys/kernel/boot_params"
#define PATH_VMCOREINFO	    "/sys/kernel/vmcoreinfo"
#define PATH_CRASH_LOADED   "/sys/kernel/kexec_crash_loaded"
#define PATH_HUGEPAGES	    "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define PATH_SCRATCH	    "/sys/kernel/debug/kho/out"
#define PATH_WAKEUP	    "/sys/class/wakeup"
#define PATH_CPUS	    "/sys/devices/system/cpu"
#define PATH_CPU0_ONLINE    "/sys/devices/system/cpu/cpu0/online"
#define PATH_SYS	    "/sys"
#define PATH_PCI_DEVICES    "/sys/bus/pci/devices"
#define PATH_IMAGE_SIZE	    "/sys/power/image_size"
#define PATH_POWER_DISK	    "/sys/power/disk"
#define PATH_POWER_STATE    "/sys/power/state"
#define PATH_CLASS_IOMMU    "/sys/class/iommu"
#define PATH_CLASS_BLOCK    "/sys/class/block"
#define PATH_MEMORY	    "/sys/devices/system/memory"
#define PATH_VIRTIO_DRIVERS "/sys/bus/virtio/drivers"
#define PATH_VIRTIO_MEM	    PATH_VIRTIO_DRIVERS "/virtio_mem"

#define PATH_SNAPSHOT "/dev/snapshot"
#define PATH_KMSG     "/dev/kmsg"
#define PATH_WATCHDOG "/dev/watchdog"
#define PATH_RANDOM   "/dev/urandom"
#define PATH_MEM      "/dev/mem"

/* Make the directory PATH_RUN unless it is there. */
int paths_make_run(struct error *err);

#endif
