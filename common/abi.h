/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernel A's loader, kernel B's tools, the stubs between the kernels and the restore payload
 * say to each other through memory. Nothing here is on disk (image/format.h is).
 *
 *   handoff area  in the head of kernel B's home; the loader fills it once, when B is loaded
 *   live page     first page of the handoff area; the stubs write it at every jump
 *   mailbox       one huge page of A's, outside the home; the request goes in, the outcome comes
 * back payload       lists that the restoring process leaves for the code that runs between C and A
 *
 * All programs of one build speak the same ABI_VERSION; every reader checks it, so a warm B of an
 * older build is refused with a message instead of being misread.
 */
#ifndef COMMON_ABI_H
#define COMMON_ABI_H

#define ABI_VERSION 13

#define FRAME_SHIFT 12
#define FRAME_SIZE  4096

/*
 * The head of the home: B is told on its command line to leave it alone, so that B's kernel never
 * touches it and B's user space may map it. Offsets in bytes from the start of the home.
 */
#define HEAD_SIZE	  0x40000
#define HEAD_ENTRY_STUB	  0x00000 /* code A jumps to the first time */
#define HEAD_BOOT_PARAMS  0x01000 /* B's struct boot_params */
#define HEAD_CMDLINE	  0x02000 /* B's command line, NUL-terminated, at most 2048 bytes */
#define HEAD_STACK_TOP	  0x04000 /* one page of stack below it */
#define HEAD_TABLES	  0x04000 /* page tables of the entry stub: a PML5, then a PML4, ... */
#define HEAD_TABLES_SIZE  0x0c000
#define HEAD_THUNK	  0x10000 /* where kernel B's kexec puts the thunk when it jumps back */
#define HEAD_THUNK_SIZE	  0x10000
#define HEAD_LIVE	  0x20000 /* struct live_page */
#define HEAD_HANDOFF	  0x21000 /* struct handoff */
#define HEAD_HANDOFF_SIZE 0xf000
#define HEAD_SETUP_DATA	  0x30000 /* what of B's memory map does not fit into its boot parameters */
#define HEAD_SETUP_SIZE	  0x10000

/* Offsets in struct live_page, for the assembly. Checked against the struct below. */
#define LIVE_ENTRY	 0x10
#define LIVE_JUMPS	 0x18
#define LIVE_TSC_ENTERED 0x20
#define LIVE_APIC_BASE	 0x28

/* Page tables of every stub and of the payload: a PML5 first, then the PML4 it points to. */
#define TABLES_PML4 0x1000

/* Entry stub: the physical address of B's 64-bit entry point is patched in here. */
#define ENTRY_KERNEL 0x8

/* Thunk, offsets in its segment. */
#define THUNK_ENTRY	0x08 /* A's entry, physical */
#define THUNK_A_CONTEXT 0x10 /* A's struct saved_context, physical; 0 = unknown */
#define THUNK_B_CONTEXT 0x18 /* B's, likewise */
#define THUNK_HAS_PEER	0x20 /* 1: B's kernel stays behind and can be entered again */
#define THUNK_PEER	0x28 /* B's return address, filled in by the thunk */
#define THUNK_A_S_CET	0x30 /* A's MSR IA32_S_CET */
#define THUNK_AGAIN	0x40 /* code: where A enters a kernel B that stayed behind */
#define THUNK_STACK_TOP 0x2000
#define THUNK_TABLES	0x2000

/* Payload, offsets in its segment. */
#define PAYLOAD_STACK_TOP 0x6000
#define PAYLOAD_STRUCT	  0x6000 /* struct payload */
#define PAYLOAD_ENTRY	  0x6010
#define PAYLOAD_CONTEXT	  0x6018
#define PAYLOAD_S_CET	  0x6020
#define PAYLOAD_CREW	  0x8000 /* struct crew (jump/bare-crew.h) */
#define PAYLOAD_STACKS	  0x9000 /* of the helpers, one page each */
#define PAYLOAD_HELPERS	  15	 /* CPUs at most beside the one that the payload starts on */
#define PAYLOAD_TABLES	  0x18000

/*
 * The page below 1 MiB at which helpers start, offsets in it: code, then what the code reads there
 * (struct wake_data in jump/bare-crew.c).
 */
#define WAKE_CODE32	 0x80
#define WAKE_DATA	 0x100
#define WAKE_GDT	 0x100
#define WAKE_GDT_POINTER 0x120
#define WAKE_IDT_POINTER 0x126
#define WAKE_JUMP32	 0x12c
#define WAKE_JUMP64	 0x132
#define WAKE_CR3	 0x138
#define WAKE_CR4	 0x13c
#define WAKE_CODE32_SEL	 0x08
#define WAKE_DATA_SEL	 0x10
#define WAKE_CODE64_SEL	 0x18

/* Offsets in Linux's struct saved_context (arch/x86/include/asm/suspend_64.h; 6.1 to 6.18). */
#define SAVED_CONTEXT_GS_BASE 176
#define SAVED_CONTEXT_CR4     224
#define SAVED_CONTEXT_GDT     266

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

#define HANDOFF_MAGIC "kjHANDOF"
#define LIVE_MAGIC    "kjLIVEpg"
#define MAILBOX_MAGIC "kjMAILBX"
#define PAYLOAD_MAGIC "kjPAYLOD"

/* A run of physical page frames: COUNT of them, the first one is PFN. Also a record on disk. */
struct run {
	uint64_t pfn;
	uint64_t count;
};

/* One entry of a firmware memory map: bytes [start, start + size), E820 type. Also on disk. */
struct firmware_range {
	uint64_t start;
	uint64_t size;
	uint32_t type;
	uint32_t reserved; /* 0 */
};

#define FIRMWARE_RAM	  1
#define FIRMWARE_RESERVED 2
#define FIRMWARE_ACPI	  3 /* tables, which nobody but the operating system uses */
#define FIRMWARE_NVS	  4 /* what the firmware itself uses, too */

/* What the free pages of A must hold when A goes on. Also on disk. */
enum fill {
	FILL_NONE = 0,	 /* anything */
	FILL_ZERO = 1,	 /* init_on_free: the allocator trusts free pages to be zero */
	FILL_POISON = 2, /* page_poison: bytes of 0xaa */
};

/* How an image is sealed. Also on disk. */
enum seal_algorithm {
	ALGORITHM_NONE = 0,
	ALGORITHM_AES256_GCM = 1,
	ALGORITHM_XCHACHA20_POLY1305 = 2,
	ALGORITHM_AEGIS256 = 3, /* a number for later */
};

/* The key of an image. Also on disk, in sealed indexes. */
struct image_key {
	uint8_t image_uuid[16];
	uint8_t key[32];
	uint32_t algorithm; /* enum seal_algorithm */
	uint32_t reserved;  /* 0 */
};

_Static_assert(sizeof(struct image_key) == 56, "key record size");

/* What a superblock says of an image's key; all 0 when it is not sealed. Also on disk. */
struct key_box {
	uint8_t pair[16];	/* which restore key and sender's key; public */
	uint8_t commitment[32]; /* BLAKE2b of the image's key and UUID */
	uint8_t nonce[24];	/* of the box */
	uint8_t box[48];	/* the image's key by crypto_box, from the sender to the restorer */
};

/* Properties of a processor that matter when a kernel goes on. Also on disk. */
#define CPU_FEATURE_LA57   0x1 /* five levels of page tables in use */
#define CPU_FEATURE_NX	   0x2
#define CPU_FEATURE_CET	   0x4	/* IBT or shadow stacks in use */
#define CPU_FEATURE_IBT	   0x8	/* the kernel's own indirect branches are tracked */
#define CPU_FEATURE_X2APIC 0x10 /* the local APIC is in x2APIC mode */
#define CPU_FEATURE_FRED   0x20 /* events are delivered by FRED */

/* What MSR IA32_S_CET holds on each CPU of a kernel with CPU_FEATURE_IBT: ENDBR_EN. Else it is 0.
 */
#define S_CET_OF_IBT 0x4

/* Words of CPUID that say what a processor can do, by the first comment's leaf. Also on disk. */
enum cpuid_word {
	CPUID_1_ECX, /* without OSXSAVE, which is the state of CR4 */
	CPUID_1_EDX, /* without APIC, which is the state of an MSR */
	CPUID_7_0_EBX,
	CPUID_7_0_ECX, /* without OSPKE, which is the state of CR4 */
	CPUID_7_0_EDX,
	CPUID_7_1_EAX,
	CPUID_D_1_EAX,
	CPUID_80000001_ECX,
	CPUID_80000001_EDX,
	CPUID_80000008_EBX,
	CPUID_80000021_EAX,
	CPUID_D_0_EAX, /* the components that XCR0 may have; above 32 bits none is defined */
	CPUID_7_1_EDX,
	CPUID_80000007_EDX,
	CPUID_WORDS,
};

/*
 * What kernel A's drivers go on with. A records it right before it jumps, C compares. Texts end
 * with a NUL and are filled up with it. Also on disk.
 */

#define PCI_BARS 6

/* A PCI function that has a driver. */
struct pci_record {
	uint32_t domain;
	uint8_t bus, device, function;
	uint8_t reserved0; /* 0 */
	uint16_t vendor, id, subvendor, subid;
	uint32_t class;	    /* class code, and the revision in the low byte */
	uint32_t reserved1; /* 0 */
	struct {
		uint64_t start, size; /* size 0: there is none */
	} bars[PCI_BARS];
	char driver[32];
};

_Static_assert(sizeof(struct pci_record) == 152, "PCI record size");

#define DISK_IN_USE 0x1 /* mounted, swap, member of an array, ... (bd_holder) */
#define DISK_TARGET 0x2 /* the image goes there */
#define DISK_FLAGS  (DISK_IN_USE | DISK_TARGET)

/* Memory that the EFI firmware uses while A runs, and where A has mapped it. */
struct efi_range {
	uint64_t physical, virtual; /* addresses */
	uint64_t pages, attribute;
	uint32_t type;	   /* EFI_MEMORY_TYPE */
	uint32_t reserved; /* 0 */
};

_Static_assert(sizeof(struct efi_range) == 40, "EFI range size");

/* A disk as a whole, that its driver found. */
struct disk_record {
	char place[160];   /* where it is connected, without numbers that follow from the order of
			      probing */
	char name[32];	   /* "vda" */
	char serial[168];  /* "wwid ..." or "serial ..."; "" = it has none */
	char content[72];  /* "PTUUID=..." or "UUID=..." of what is on it; "" = not known */
	uint64_t size;	   /* bytes */
	uint32_t flags;	   /* DISK_* */
	uint32_t reserved; /* 0 */
};

_Static_assert(sizeof(struct disk_record) == 448, "disk record size");

/* Written by the entry stub and the thunk at each jump into B. */
struct live_page {
	char magic[8];
	uint32_t version;
	uint32_t reserved;
	uint64_t entry;	      /* physical address at which A is re-entered */
	uint64_t jumps;	      /* how often B was entered; 1 after the first jump */
	uint64_t tsc_entered; /* time-stamp counter at the latest entry */
	uint64_t apic_base;   /* MSR IA32_APIC_BASE at the latest entry, as A left it */
};

_Static_assert(offsetof(struct live_page, entry) == LIVE_ENTRY, "live_page.entry");
_Static_assert(offsetof(struct live_page, jumps) == LIVE_JUMPS, "live_page.jumps");
_Static_assert(offsetof(struct live_page, tsc_entered) == LIVE_TSC_ENTERED, "tsc_entered");
_Static_assert(offsetof(struct live_page, apic_base) == LIVE_APIC_BASE, "apic_base");

#define HANDOFF_HOME_MAX     16
#define HANDOFF_RAM_MAX	     1024
#define HANDOFF_FIRMWARE_MAX 1024
#define HANDOFF_VMCOREINFO   8192

/* Written by A's loader when it loads B; constant from then on. */
struct handoff {
	char magic[8];
	uint32_t version;  /* ABI_VERSION */
	uint32_t crc;	   /* CRC32C of the struct with this field 0 */
	uint8_t nonce[16]; /* random; the mailbox holds the same */
	uint64_t mailbox_pfn;
	uint64_t home_start;	/* physical address of the home, bytes */
	uint64_t saved_context; /* physical address of A's struct saved_context; 0 = unknown */
	uint64_t vmcoreinfo_address;
	uint32_t vmcoreinfo_size; /* of the text below, without NUL */
	uint32_t fill;		  /* enum fill */
	uint32_t home_count, ram_count, firmware_count;
	uint32_t level5;	     /* A runs with five levels of page tables */
	uint64_t cpu_features;	     /* CPU_FEATURE_* */
	uint64_t efi_runtime_digest; /* XXH3 of A's EFI runtime map; 0 = none */
	uint32_t facs_signature;     /* ACPI FACS hardware signature; 0 = none */
	uint32_t cpu_signature;	     /* CPUID leaf 1 EAX */
	uint64_t xcr0;		     /* extended control register 0; 0 = none */
	uint32_t cpuid[CPUID_WORDS]; /* enum cpuid_word */
	uint64_t iomem_resource;     /* A's root of /proc/iomem, virtual address; 0 = unknown */
	char cpu_vendor[16];
	char release[80];		   /* uname -r */
	char build[144];		   /* uname -v */
	struct run home[HANDOFF_HOME_MAX]; /* every destination frame of the loaded segments */
	struct run ram[HANDOFF_RAM_MAX];   /* A's System RAM, merged, then rounded inwards */
	struct firmware_range firmware[HANDOFF_FIRMWARE_MAX];
	char vmcoreinfo[HANDOFF_VMCOREINFO];
};

_Static_assert(sizeof(struct handoff) <= HEAD_HANDOFF_SIZE, "handoff fits into the head");

/* The mailbox. */

enum operation {
	OP_HIBERNATE = 1,
	OP_CHECKPOINT = 2,
};

enum result {
	RESULT_NONE = 0,
	RESULT_SAVED = 1,    /* checkpoint written; or hibernation written and restored since */
	RESULT_FAILED = 2,   /* not saved; message says why */
	RESULT_ABORTED = 3,  /* the user stopped it */
	RESULT_RESTORED = 4, /* the payload brought A back from a hibernation image */
	RESULT_DRY_RUN = 5,  /* all done but the writing */
};

/* Points of time, as values of the time-stamp counter, which runs on from A into B and back. */
enum stamp {
	STAMP_LOAD_START, /* A: kjump began to load B (0 when B was warm) */
	STAMP_LOAD_END,
	STAMP_JUMP,    /* A: just before reboot(KEXEC) */
	STAMP_ENTERED, /* the entry stub or the thunk */
	STAMP_INIT,    /* B: the writer started */
	STAMP_SAVE_START,
	STAMP_SAVE_END,
	STAMP_BACK,	/* B: just before the jump back */
	STAMP_HANDOVER, /* C: just before the jump into the payload; C's own time-stamp counter */
	STAMP_PAYLOAD,	/* the payload, by the same counter: entered, */
	STAMP_CHECKED,	/* all pages compared, */
	STAMP_COPIED,	/* copied, */
	STAMP_CLEARED,	/* cleared, */
	STAMP_ALONE,	/* all other CPUs in INIT again */
	STAMP_MAX = 16,
};

/* A raw extent: of a file system, whose bytes must not change while A is away, or of the target. */
struct watch {
	char tag[64];	 /* "PARTUUID=..." or "UUID=..." of the block device that holds it */
	uint64_t offset; /* bytes from the start of that device */
	uint64_t length; /* bytes */
};

#define REQUEST_VERIFY	 0x1  /* read the image back before reporting success */
#define REQUEST_DRY_RUN	 0x2  /* scan and compress, write nothing */
#define REQUEST_SAVE_ALL 0x4  /* leave nothing out but the zero pages */
#define REQUEST_FULL	 0x8  /* build on no other image */
#define REQUEST_STAY_ON	 0x10 /* OP_HIBERNATE: jump back when it is saved, as after a checkpoint */

#define REQUEST_FLAGS                                                                              \
	(REQUEST_VERIFY | REQUEST_DRY_RUN | REQUEST_SAVE_ALL | REQUEST_FULL | REQUEST_STAY_ON)

#define LEVEL_MIN      (-20)
#define LEVEL_MAX      19
#define LEVEL_STORED   0 /* pages as they are; not zstd's level 0, which is its default */
#define LEVEL_DEFAULT  1
#define LEVEL_AUTO     INT32_MAX /* as high as the device leaves time for, */
#define LEVEL_AUTO_MAX 6	 /* but no higher than this one */

/* A watchdog that A's programs have running, as its driver describes it. */
struct request_watchdog {
	char identity[32]; /* as struct watchdog_info has it */
	uint32_t timeout;  /* seconds */
	uint32_t running;  /* A could not stop it: it must run on when A is back */
};

/* Bytes of the secret that the digests of pages are made with. */
#define DIGEST_SECRET 192

/*
 * How the image is to be sealed: with a key of its own, and the same in the box that only the
 * restore key opens. And the keys of images that were made before, on which it may be built: A's
 * sender key opens their boxes. The writer takes the keys out of the mailbox as its first act.
 */
#define REQUEST_KEYS_MAX 16

#define SEAL_PINNED 0x1 /* the firmware knows that no other may be restored. Also on disk */

struct request_seal {
	struct image_key key; /* algorithm 0: not sealed, and all of this is 0 */
	struct key_box box;
	uint32_t count;
	uint32_t flags; /* SEAL_PINNED */
	struct image_key known[REQUEST_KEYS_MAX];
};

#define REQUEST_ENTROPY 64 /* bytes */

#define REQUEST_WATCHDOG_MAX 4
#define REQUEST_PIECE_MAX    16

struct request {
	uint32_t operation;    /* enum operation */
	uint32_t flags;	       /* REQUEST_* */
	int32_t level;	       /* zstd level, LEVEL_STORED or LEVEL_AUTO */
	uint32_t workers;      /* 0 = one a CPU */
	char target[64];       /* "UUID=..." of the claimed device, "UUID=...@N" of a file */
	char target_name[128]; /* what the user called it, for messages */
	uint64_t time;	       /* seconds since 1970 when the request was made */
	uint64_t boot_bytes;   /* of RAM, that the kernel which restores A takes for itself */
	uint64_t tsc_khz;
	uint64_t kexec_list; /* first entry of A's list of swapped pages (memory/kexec-list.h); 0 =
				unknown */
	uint32_t watch_count;
	uint32_t watchdog_count;
	struct request_watchdog watchdogs[REQUEST_WATCHDOG_MAX];
	/*
	 * Where the bytes of the target lie, in order, when it is a volume: B assembles none.
	 * Without pieces it is a device that B sees as A does.
	 */
	uint32_t piece_count;
	uint32_t seal_count;	 /* first entries of the mailbox's watch: to be sealed */
	uint8_t device_uuid[16]; /* what the volume must be */
	struct watch pieces[REQUEST_PIECE_MAX];
	/* Frames that must not be touched, as A's kernel counts them; B finds out which they are.
	 */
	uint64_t poisoned_pages; /* with memory errors */
	uint64_t offline_pages;	 /* a balloon's */
	/* Images of one boot can be built one on the other: their digests have one secret. */
	uint8_t boot[16]; /* random, the same as long as A runs and is restored; 0 = unknown */
	uint8_t digest_secret[DIGEST_SECRET];
	uint32_t full_every; /* each n-th image is built on no other; 0 = never mind */
	uint32_t keep;	     /* newest checkpoints that stay */
	uint64_t keep_for;   /* seconds after which a checkpoint goes; 0 = never */
	struct request_seal seal;
	/*
	 * For B's pool, which a kernel B out of a file has as it was when that was made: B draws no
	 * random number before it has taken these, and puts zeros in their place.
	 */
	uint8_t entropy[REQUEST_ENTROPY];
};

#define OUTCOME_B_GONE	    0x1 /* kernel B left for good; what is loaded is a stub that jumps back */
#define OUTCOME_WRITER_DIED 0x2 /* the writer was killed; the log may tell why */

struct outcome {
	uint32_t result; /* enum result */
	int32_t error;	 /* errno value, 0 = none */
	char message[256];
	uint8_t image[16];  /* UUID of the image */
	uint64_t ram_pages; /* all of A's RAM */
	uint64_t data_pages, zero_pages, free_pages, untouchable_pages, home_pages;
	uint64_t reused_pages; /* of the data: as they were in the image before, and not written */
	uint64_t bytes_written;
	uint64_t restored_in_place, restored_copied; /* pages; RESULT_RESTORED */
	uint64_t restore_ns[4]; /* C: boot until restore began, reading, preparing, 0 */
	uint32_t cpus;		/* that compared and copied in the payload; 0 = not restored */
	uint32_t cpus_wanted;	/* those that were to */
	uint64_t stamps[STAMP_MAX];
	uint64_t jumps;	     /* live_page.jumps: how often B was entered since it was loaded */
	uint8_t entropy[64]; /* fresh random bytes for A's pool */
	uint32_t log_size;
	uint32_t flags; /* OUTCOME_* */
	char log[4096]; /* end of B's kernel log */
};

#define MAILBOX_WATCH_MAX 8192
#define MAILBOX_PCI_MAX	  1024
#define MAILBOX_DISK_MAX  1024
#define MAILBOX_EFI_MAX	  512

struct mailbox {
	char magic[8];
	uint32_t version;
	uint32_t reserved;
	uint8_t nonce[16];
	uint64_t sequence; /* of the request; raised by one for each */
	uint64_t answered; /* sequence of the request that the outcome answers */
	struct request request;
	struct outcome outcome;
	struct watch watch[MAILBOX_WATCH_MAX];
	uint32_t pci_count, disk_count, efi_count;
	uint32_t reserved1; /* 0 */
	struct pci_record pci[MAILBOX_PCI_MAX];
	struct disk_record disks[MAILBOX_DISK_MAX];
	struct efi_range efi[MAILBOX_EFI_MAX];
};

#define MAILBOX_SIZE 0x200000 /* one huge page */
_Static_assert(sizeof(struct mailbox) <= MAILBOX_SIZE, "mailbox fits into a huge page");

/*
 * The payload. Its kexec segment starts at a 2 MiB border of the home: code, stack, struct payload,
 * what its CPUs share, their stacks, page tables, then the chunks, the runs and the clear list that
 * the struct points to (physical addresses, identity mapped).
 */

/* Pages of one chunk, in the order in which its checksum was computed. */
struct payload_chunk {
	uint64_t hash;	    /* page_hash() of the pages */
	uint64_t first_run; /* where its runs begin in the list of runs */
	uint64_t run_count; /* they follow one another */
};

/* COUNT pages that lie at SOURCE and belong at TARGET (PFNs); the same when read in place. */
struct payload_run {
	uint64_t source;
	uint64_t target;
	uint64_t count;
};

/* Frames that hold BYTE in every byte when A goes on. */
struct payload_clear {
	uint64_t pfn;
	uint64_t count;
	uint64_t before; /* sum of the counts before this one in the list */
	uint64_t byte;
};

struct payload {
	char magic[8];
	uint32_t version; /* ABI_VERSION */
	uint32_t serial;  /* I/O port of a 8250 UART for error messages, 0 = none */
	uint64_t entry;
	uint64_t saved_context; /* 0 = unknown: A reloads its GDT itself */
	uint64_t s_cet;		/* A's MSR IA32_S_CET */
	uint64_t chunk_count, run_count, clear_count;
	uint64_t chunks, runs, clears; /* physical addresses of the arrays */
	uint64_t lists_hash; /* bytes_hash() of the three arrays, which follow one another */
	uint64_t mailbox;    /* physical address of A's mailbox, 0 = none */
	uint8_t nonce[16];
	uint64_t sequence;
	uint64_t features; /* CPU_FEATURE_* that A uses */
	uint64_t pause;	   /* ticks of the time-stamp counter between a message and the reset */
	/*
	 * Helpers, CPUs that the payload wakes to compare and copy with it. They start in the frame
	 * WAKE_PFN below 1 MiB, which A swaps away, and nothing else of the payload's lies there.
	 */
	uint64_t wake_pfn;   /* 0 = no helpers */
	uint64_t ticks_ms;   /* ticks of the time-stamp counter in a millisecond */
	uint32_t apic_count; /* 0 = no helpers; at most PAYLOAD_HELPERS + 1 */
	uint32_t apic_ids[PAYLOAD_HELPERS + 1]; /* of them, and of the CPU that wakes them */
	uint32_t reserved;			/* 0 */
	uint64_t hash;				/* bytes_hash() of this struct with this field 0 */
	struct outcome outcome;			/* goes into the mailbox */
};

_Static_assert(PAYLOAD_STRUCT + offsetof(struct payload, entry) == PAYLOAD_ENTRY, "entry");
_Static_assert(PAYLOAD_STRUCT + offsetof(struct payload, saved_context) == PAYLOAD_CONTEXT,
	       "saved_context");
_Static_assert(PAYLOAD_STRUCT + offsetof(struct payload, s_cet) == PAYLOAD_S_CET, "s_cet");
_Static_assert(PAYLOAD_STRUCT + sizeof(struct payload) <= PAYLOAD_CREW, "struct payload fits");
_Static_assert(PAYLOAD_STACKS + PAYLOAD_HELPERS * FRAME_SIZE <= PAYLOAD_TABLES, "stacks fit");

#endif /* __ASSEMBLER__ */
#endif
