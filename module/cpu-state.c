// SPDX-License-Identifier: GPL-2.0
/*
 * The state of CPU 0. The kernel's own functions are better: they know what later CPUs have. Not
 * here is what drivers restore (MTRRs, microcode, performance counters), and no kernel changes
 * between two jumps.
 */
#include "cpu-state.h"

#include <linux/version.h>

#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/special_insns.h>
#include <asm/x86_init.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
#define rdmsrq_safe rdmsrl_safe
#define wrmsrq_safe wrmsrl_safe
#endif

/* Those that this CPU does not have are left out. The bases come after the segments. */
static const u32 msrs[] = {
	MSR_IA32_MISC_ENABLE,
	MSR_STAR,
	MSR_LSTAR,
	MSR_CSTAR,
	MSR_SYSCALL_MASK,
	MSR_IA32_SYSENTER_CS,
	MSR_IA32_SYSENTER_ESP,
	MSR_IA32_SYSENTER_EIP,
	MSR_IA32_CR_PAT,
	MSR_IA32_TSC_ADJUST,
	MSR_IA32_SPEC_CTRL,
	MSR_AMD64_VIRT_SPEC_CTRL,
	MSR_IA32_TSX_CTRL,
	MSR_TSX_FORCE_ABORT,
	MSR_IA32_MCU_OPT_CTRL,
	MSR_AMD64_LS_CFG,
	MSR_AMD64_DE_CFG,
	MSR_IA32_XSS,
	MSR_IA32_XFD,
	MSR_FS_BASE,
	MSR_KERNEL_GS_BASE,
};

static struct {
	struct desc_ptr idt;
	u16 ldt, ds, es, fs, gs;
	u64 xcr0;
	struct {
		bool there;
		u64 value;
	} msrs[ARRAY_SIZE(msrs)];
} saved;

bool kjump_cpu_state_supported(void)
{
#ifdef X86_CR4_FRED
	if (__read_cr4() & X86_CR4_FRED)
		return false;
#endif
	return true;
}

void kjump_cpu_state_save(void)
{
	/* Until kernel_fpu_end(): what programs have in these registers is in memory. */
	kernel_fpu_begin();
	store_idt(&saved.idt);
	store_ldt(saved.ldt);
	savesegment(ds, saved.ds);
	savesegment(es, saved.es);
	savesegment(fs, saved.fs);
	savesegment(gs, saved.gs);
	if (boot_cpu_has(X86_FEATURE_OSXSAVE))
		saved.xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++)
		saved.msrs[i].there = !rdmsrq_safe(msrs[i], &saved.msrs[i].value);
	x86_platform.save_sched_clock_state();
}

/* The task register is loaded only with a segment that is not busy yet. */
static void load_task_register(void)
{
	struct desc_struct *gdt = get_cpu_gdt_rw(0);
	tss_desc tss;

	memcpy(&tss, &gdt[GDT_ENTRY_TSS], sizeof(tss));
	tss.type = DESC_TSS;
	write_gdt_entry(gdt, GDT_ENTRY_TSS, &tss, DESC_TSS);
	asm volatile("ltr %w0" : : "q"(GDT_ENTRY_TSS * 8));
}

notrace void kjump_cpu_state_restore(void)
{
	load_task_register();
	asm volatile("lldt %w0" : : "q"(saved.ldt));
	load_fixmap_gdt(0);
	load_idt(&saved.idt);
	loadsegment(ds, saved.ds);
	loadsegment(es, saved.es);
	loadsegment(fs, saved.fs);
	load_gs_index(saved.gs);
	if (boot_cpu_has(X86_FEATURE_OSXSAVE))
		xsetbv(XCR_XFEATURE_ENABLED_MASK, saved.xcr0);
	for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++) {
		if (saved.msrs[i].there)
			wrmsrq_safe(msrs[i], saved.msrs[i].value);
	}
	kernel_fpu_end();
	x86_platform.restore_sched_clock_state();
}
