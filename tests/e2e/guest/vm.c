/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm: run a virtual machine by KVM that counts in its own memory and says so at each step. How far
 * it is goes to FILE, until it counts wrong or KVM fails, which ends the program with a line.
 *
 * usage: vm FILE
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CODE   0x1000
#define NUMBER 0x2000
#define SIZE   0x3000

/* Real mode: incl NUMBER; out %al, $0x10; and again. */
static const uint8_t code[] = {
	0x66, 0xff, 0x06, NUMBER & 0xff, NUMBER >> 8, 0xe6, 0x10, 0xeb, 0xf7
};

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* A machine with one CPU, whose descriptor this returns; its memory goes to MEMORY. */
static int create(int kvm, uint8_t **memory)
{
	struct kvm_userspace_memory_region region = { .memory_size = SIZE };
	struct kvm_regs registers = { .rip = CODE, .rflags = 2 };
	struct kvm_sregs special;
	int vm = ioctl(kvm, KVM_CREATE_VM, 0), cpu;

	*memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memcpy(*memory + CODE, code, sizeof(code));
	region.userspace_addr = (uintptr_t)*memory;
	if (vm < 0 || ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return -1;
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (cpu < 0 || ioctl(cpu, KVM_GET_SREGS, &special) < 0)
		return -1;
	special.cs.base = special.cs.selector = 0;
	if (ioctl(cpu, KVM_SET_SREGS, &special) < 0 || ioctl(cpu, KVM_SET_REGS, &registers) < 0)
		return -1;
	return cpu;
}

static void note(const char *path, uint32_t count)
{
	char name[256];
	FILE *file;

	snprintf(name, sizeof(name), "%s.new", path);
	file = fopen(name, "w");
	fprintf(file, "%u\n", count);
	fclose(file);
	rename(name, path);
}

int main(int argc, char **argv)
{
	int kvm = open("/dev/kvm", O_RDWR), cpu;
	struct kvm_run *run;
	uint8_t *memory;

	if (kvm < 0 || argc != 2)
		return fail("/dev/kvm");
	cpu = create(kvm, &memory);
	run = mmap(NULL, (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE,
		   MAP_SHARED, cpu, 0);
	if (cpu < 0 || run == MAP_FAILED)
		return fail("KVM");
	for (uint32_t count = 1;; count++) {
		uint32_t number;

		if (ioctl(cpu, KVM_RUN, 0) < 0)
			return fail("KVM_RUN");
		memcpy(&number, memory + NUMBER, sizeof(number));
		if (run->exit_reason != KVM_EXIT_IO || number != count) {
			fprintf(stderr, "step %u: exit %u, counted to %u\n", count,
				run->exit_reason, number);
			return 1;
		}
		if (count % 16 == 0)
			note(argv[1], count);
		usleep(2000);
	}
}
