# SPDX-License-Identifier: GPL-2.0-or-later
"""Cores of made-up machines, almost all of whose memory is free: sparse files.

A kernel as far as the free-page finder looks: page tables with four levels, mem_section, a memory
map in which all memory behind a certain point is free blocks of the highest order, one zone with
its counter, and a VMCOREINFO note.
"""

import struct

MIB, GIB = 1 << 20, 1 << 30
TABLES, DATA, MEMMAP = 1 * MIB, 8 * MIB, 16 * MIB   # physical
PHYS_BASE = 0x1000000
IMAGE = 0xffffffff80000000 - PHYS_BASE              # virtual = IMAGE + physical
DIRECT, VMEMMAP = 0xffff888000000000, 0xffffea0000000000
BUDDY = 0xf0000000
ORDER = 10
LOAD_AT = 8192                                      # in the file


class Kernel:
    def __init__(self, file):
        self.file, self.next_table = file, TABLES + 4096
        self.tables = {}

    def put(self, physical, data):
        self.file.seek(LOAD_AT + physical)
        self.file.write(data)

    def map_2m(self, virtual, physical):
        table = TABLES
        for level in (3, 2, 1):
            entry = table + (virtual >> 12 + 9 * level & 511) * 8
            if level == 1:
                self.put(entry, struct.pack("<Q", physical | 0xe3))
            elif entry not in self.tables:
                self.tables[entry] = self.next_table
                self.put(entry, struct.pack("<Q", self.next_table | 0x67))
                self.next_table += 4096
            table = self.tables.get(entry)


def vmcoreinfo(sections):
    fields = {
        "OSRELEASE": "6.12.0-sparse", "PAGESIZE": 4096, "NUMBER(phys_base)": PHYS_BASE,
        "NUMBER(pgtable_l5_enabled)": 0, "NUMBER(sme_mask)": 0,
        "SYMBOL(swapper_pg_dir)": f"{IMAGE + TABLES:x}", "SYMBOL(_stext)": f"{IMAGE + DATA:x}",
        "SYMBOL(mem_section)": f"{DIRECT + DATA + 0x3000:x}", "LENGTH(mem_section)": 2048,
        "SIZE(mem_section)": 16, "OFFSET(mem_section.section_mem_map)": 0,
        "NUMBER(SECTION_SIZE_BITS)": 27, "SIZE(page)": 64, "OFFSET(page.flags)": 0,
        "OFFSET(page._refcount)": 52, "OFFSET(page._mapcount)": 48, "OFFSET(page.private)": 40,
        "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)": BUDDY - (1 << 32),
        "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)": 0xf1000000 - (1 << 32), "NUMBER(PG_hwpoison)": 20,
        "LENGTH(zone.free_area)": ORDER + 1, "SYMBOL(node_data)": f"{IMAGE + DATA + 0x1000:x}",
        "LENGTH(node_data)": 64, "OFFSET(pglist_data.node_zones)": 64,
        "OFFSET(pglist_data.nr_zones)": 16, "SIZE(zone)": 512, "OFFSET(zone.vm_stat)": 128,
        "NUMBER(NR_FREE_PAGES)": 0, "KERNELOFFSET": "1000000", "SYMBOL(vmemmap)": f"{VMEMMAP:x}",
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items()).encode()


def write_headers(file, size):
    text = vmcoreinfo(size >> 27)
    note = struct.pack("<3I", 11, len(text), 0) + b"VMCOREINFO\0\0" + text
    assert len(note) <= 4096
    file.seek(0)
    file.write(b"\x7fELF\2\1\1" + bytes(9))
    file.write(struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0))
    file.write(struct.pack("<IIQQQQQQ", 4, 0, 4096, 0, 0, len(note), len(note), 0))
    file.write(struct.pack("<IIQQQQQQ", 1, 7, LOAD_AT, 0, 0, size, size, 0))
    file.seek(4096)
    file.write(note)


def end_of_kernel(size):
    """Where in the file of a machine with SIZE bytes of RAM tables and memory map end."""
    return LOAD_AT + MEMMAP + size // 4096 * 64


def make(path, size, content, source, source_at):
    """A core at PATH of SIZE bytes of RAM. In use are tables, the memory map, and CONTENT bytes
    of the file SOURCE, from byte SOURCE_AT on; SIZE is a multiple of 128 MiB."""
    memmap_size = size // 4096 * 64
    used = (MEMMAP + memmap_size + content + 4 * MIB - 1) // (4 * MIB) * (4 * MIB)
    with open(path, "wb") as file:
        file.truncate(LOAD_AT + size)
        write_headers(file, size)
        kernel = Kernel(file)
        kernel.map_2m(IMAGE + DATA, DATA)
        kernel.map_2m(DIRECT + DATA, DATA)
        for at in range(0, memmap_size, 2 * MIB):
            kernel.map_2m(VMEMMAP + at, MEMMAP + at)
        # node_data[0], struct pglist_data with one zone, mem_section's first level.
        kernel.put(DATA + 0x1000, struct.pack("<Q", DIRECT + DATA + 0x2000))
        kernel.put(DATA + 0x2000 + 16, b"\1")
        kernel.put(DATA + 0x2000 + 64 + 128, struct.pack("<Q", (size - used) // 4096))
        sections = size >> 27
        for root in range((sections + 255) // 256):
            kernel.put(DATA + 0x3000 + 8 * root,
                       struct.pack("<Q", DIRECT + DATA + 0x8000 + 4096 * root))
        for section in range(sections):
            kernel.put(DATA + 0x8000 + 16 * section, struct.pack("<Q", VMEMMAP | 0xf))
        taken = bytes(48) + b"\xff\xff\xff\xff" + bytes(12)
        kernel.put(MEMMAP, taken * (used // 4096))
        free = bytes(40) + struct.pack("<QII", ORDER, BUDDY, 0)
        for pfn in range(used // 4096, size // 4096, 1 << ORDER):
            kernel.put(MEMMAP + 64 * pfn, free)
        with open(source, "rb") as other:
            other.seek(source_at)
            for done in range(0, content, 4 * MIB):
                kernel.put(MEMMAP + memmap_size + done, other.read(4 * MIB))
