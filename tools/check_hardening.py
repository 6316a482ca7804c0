#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: tools/check_hardening.py PROGRAM...

Look into programs that gcc has built for what makes a mistake with memory harder to use: see meson.build.
Prints what is missing; exit status 0 when nothing is.

The note of a program that says that all of it is ready for -fcf-protection is not looked for: the linker leaves
it out when the start files of libc have none, and those of Debian 12 have none."""

import re
import subprocess
import sys

# What every unit of ours was compiled with; gcc writes that into its debugging information.
FLAGS = ["-fstack-protector-strong", "-fstack-clash-protection"]
FLAGS_OF_MACHINE = {
    "X86-64": ["-fcf-protection=full"],
    "AArch64": ["-mbranch-protection=standard"],
}


def readelf(program, *arguments):
    return subprocess.run(["readelf", "-W", *arguments, program], check=True, capture_output=True, text=True,
                          env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout


def missing_in_header(program):
    header = readelf(program, "--file-header")
    if not re.search(r"Type:\s+DYN", header):
        yield "it is not position-independent (PIE)"


def missing_in_segments(program):
    segments = re.findall(r"^  (\w+) +(?:0x\w+ +){5}([RWE ]{3}) ", readelf(program, "--segments"), re.MULTILINE)
    kinds = [kind for kind, _ in segments]
    assert "LOAD" in kinds, "readelf prints something else than we know"
    if "GNU_RELRO" not in kinds:
        yield "no part of its data is made read-only after relocation (RELRO)"
    if ("GNU_STACK", "RW ") not in segments:
        yield "its stack is executable"
    if any("W" in flags and "E" in flags for _, flags in segments):
        yield "a segment is writable and executable"


def missing_in_dynamic_section(program):
    section = readelf(program, "--dynamic")
    if "BIND_NOW" not in section:
        yield "functions are bound late (BIND_NOW), so that their table stays writable"
    for tag in ("TEXTREL", "RPATH", "RUNPATH"):
        if f"({tag})" in section:
            yield f"it has {tag}"


def missing_calls(program):
    symbols = readelf(program, "--dyn-syms")
    if "__stack_chk_fail" not in symbols:
        yield "no function watches its stack (-fstack-protector-strong)"
    if not re.search(r"__(memcpy|snprintf|vsnprintf)_chk\b", symbols):
        yield "no call of libc checks sizes (_FORTIFY_SOURCE)"


def missing_flags(program):
    machine = re.search(r"Machine:.*?(X86-64|AArch64|$)", readelf(program, "--file-header")).group(1)
    info = readelf(program, "--debug-dump=info", "--dwarf-depth=1")
    producers = re.findall(r"DW_AT_producer.*?: (GNU C\d.*)", info)
    if not producers:
        yield "it does not say how gcc compiled it (-g)"
    for flag in FLAGS + FLAGS_OF_MACHINE.get(machine, []):
        without = sum(flag not in producer.split() for producer in producers)
        if without > 0:
            yield f"{without} of {len(producers)} units are compiled without {flag}"


def main():
    found = False
    for program in sys.argv[1:]:
        for look in (missing_in_header, missing_in_segments, missing_in_dynamic_section, missing_calls,
                     missing_flags):
            for missing in look(program):
                print(f"{program}: {missing}")
                found = True
    return 1 if found or len(sys.argv) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
