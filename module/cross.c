// SPDX-License-Identifier: GPL-2.0
/* The crossing: what of the CPU is saved besides what crossing.S and the way see to. */
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include <asm/cpufeature.h>
#include <asm/debugreg.h>
#include <asm/desc.h>
#include <asm/msr-index.h>
#include <asm/special_insns.h>

#include "crossing.h"
#include "kjump.h"
#include "symbols.h"

void kjump_control_fill(struct kjump_image *image, u64 entry)
{
	struct kjump_control *control = image->control;

	memcpy(control->code, kjump_control_code, sizeof(control->code));
	control->start = entry;
	control->head = image->head;
	control->tables = virt_to_phys(image->top);
}

/* The kernel's own macros were renamed in 6.16. */
static __always_inline u64 read_msr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static __always_inline void write_msr(u32 msr, u64 value)
{
	asm volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

static bool has_tsc_aux(void)
{
	return boot_cpu_has(X86_FEATURE_RDTSCP) || boot_cpu_has(X86_FEATURE_RDPID);
}

/* The writable one: loading the task register writes to it. */
static void note_gdt(struct kjump_control *control)
{
	const struct desc_ptr gdt = {
		.size = GDT_SIZE - 1,
		.address = (unsigned long)get_cpu_gdt_rw(smp_processor_id()),
	};

	memcpy(control->gdt, &gdt, sizeof(gdt));
}

/* Exported, but in newer kernels only to KVM. Without it breakpoints of debuggers are off. */
DEFINE_STATIC_CALL_NULL(kjump_hw_breakpoint_restore, hw_breakpoint_restore);

void kjump_cross_find(void)
{
	KJUMP_BIND(kjump_hw_breakpoint_restore, "hw_breakpoint_restore");
}

notrace void kjump_cross(struct kjump_image *image, const struct kjump_way *way)
{
	u64 cet = __read_cr4() & X86_CR4_CET ? read_msr(MSR_IA32_S_CET) : 0;
	u64 tsc_aux = has_tsc_aux() ? read_msr(MSR_TSC_AUX) : 0;

	way->save_cpu();
	hw_breakpoint_disable();
	note_gdt(image->control);
	/* No other kernel's code begins where ours would have it begin. */
	if (cet)
		write_msr(MSR_IA32_S_CET, 0);
	kjump_cross_over(image->control, virt_to_phys(image->control));
	way->restore_cpu();
	if (cet)
		write_msr(MSR_IA32_S_CET, cet);
	if (has_tsc_aux())
		write_msr(MSR_TSC_AUX, tsc_aux);
	static_call_cond(kjump_hw_breakpoint_restore)();
}
