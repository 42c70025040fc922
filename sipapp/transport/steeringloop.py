"""The same program as L{sipapp.transport.steeringprogram} in extended BPF, which may loop.

It needs the privilege to call C{bpf()}, which a parent has that is started as root. It takes at
most 2,000 steps, of four bytes where nothing happens and of at least two: enough for heads of about
7,000 bytes. More would be possible, but the kernel checks every step when it is given the program:
2,000 take it 0.15 s, and 8,000 a second.
"""

from __future__ import annotations

import struct

from sipapp.bpf import loadSocketFilter
from sipapp.transport.steeringprogram import MULTIPLIER

#: Each step moves on by two bytes or more.
STEPS = 2000

# Instructions: class | operation | source, as in <linux/bpf.h>. R0 is what a load gives; loads
# want the context in R6 and destroy R1 to R5.
_LDW, _LDH, _LDB = 0x40, 0x48, 0x50
_MOV, _MOV_X = 0xB7, 0xBF
_ADD, _ADD_X, _AND, _OR, _LSH, _RSH, _DIV, _MOD = 0x07, 0x0F, 0x57, 0x47, 0x67, 0x77, 0x37, 0x97
_MOV32_X, _ADD32_X, _MUL32, _RSH32 = 0xBC, 0x0C, 0x24, 0x74
_JA, _JEQ, _JNE, _JGT, _JGE, _EXIT = 0x05, 0x15, 0x55, 0x25, 0x35, 0x95
_R0, _R1, _R2, _CONTEXT, _AT, _COUNT, _SUMS = 0, 1, 2, 6, 7, 8, 9


class _Assembler:
    def __init__(self) -> None:
        self.instructions: list[tuple[int, int, int, str, int]] = []
        self.labels: dict[str, int] = {}

    def label(self, name: str) -> None:
        self.labels[name] = len(self.instructions)

    def add(self, code: int, to: int = 0, value: int = 0, goto: str = "", source: int = 0) -> None:
        self.instructions.append((code, to, source, goto, value))

    def load(self, code: int, offset: int) -> None:
        """R0 = what is at the position plus an offset; the end of the datagram ends the program,
        with slot 0."""
        self.add(code, value=offset, source=_AT)

    def assemble(self) -> bytes:
        packed = []
        for at, (code, to, source, goto, value) in enumerate(self.instructions):
            offset = self.labels[goto] - at - 1 if goto else 0
            packed.append(struct.pack("=BBhI", code, to | source << 4, offset, value & 0xFFFFFFFF))
        return b"".join(packed)


def _search(made: _Assembler) -> None:
    """Go from line to line until one has the name; leave behind the name."""
    made.label("step")
    made.add(_JGE, _COUNT, STEPS, "miss")
    made.add(_ADD, _COUNT, 1)
    made.load(_LDW, 0)
    made.add(_AND, _R0, 0x00F000F0)
    made.add(_ADD, _R0, 0x00F000F0)
    made.add(_AND, _R0, 0x01000100)
    # The kernel puts off checking what a jump leads to, and that only so often: what happens in
    # nearly every step must be what falls through.
    made.add(_JNE, _R0, 0x01000100, "break")
    made.label("four")
    made.add(_ADD, _AT, 4)
    made.add(_JA, goto="step")
    made.label("break")
    for offset in range(4):
        made.load(_LDH, offset)
        made.add(_JEQ, _R0, 0x0D0A, f"line{offset}")
    made.add(_JA, goto="four")
    for offset in (3, 2, 1):
        made.label(f"line{offset}")
        made.add(_ADD, _AT, 1)
    made.label("line0")
    made.load(_LDW, 2)
    made.add(_OR, _R0, 0x20202020)
    made.add(_JEQ, _R0, int.from_bytes(b"call", "big"), "call")
    made.add(_RSH32, _R0, 24)
    made.add(_JEQ, _R0, ord("i"), "i")
    made.label("on")
    made.add(_ADD, _AT, 2)
    made.add(_JA, goto="step")
    made.label("call")
    made.load(_LDW, 5)
    made.add(_OR, _R0, 0x20002020)
    made.add(_JEQ, _R0, int.from_bytes(b"l-id", "big"), "long")
    made.add(_JA, goto="on")
    made.label("i")
    made.load(_LDB, 3)
    for byte in b": \t":
        made.add(_JEQ, _R0, byte, "compact")
    made.add(_JA, goto="on")
    made.label("long")
    made.add(_ADD, _AT, 6)
    made.label("compact")
    made.add(_ADD, _AT, 3)


def _skipBlanks(made: _Assembler, name: str) -> None:
    """Move over at most eight blanks; leave the byte after them in R0."""
    made.add(_MOV, _COUNT, 0)
    made.label(name)
    made.load(_LDB, 0)
    made.add(_JGE, _COUNT, 8, f"{name}end")
    made.add(_JEQ, _R0, 0x20, f"{name}blank")
    made.add(_JEQ, _R0, 0x09, f"{name}blank")
    made.add(_JA, goto=f"{name}end")
    made.label(f"{name}blank")
    made.add(_ADD, _COUNT, 1)
    made.add(_ADD, _AT, 1)
    made.add(_JA, goto=name)
    made.label(f"{name}end")


def _choose(made: _Assembler, slots: int, parked: frozenset[int]) -> None:
    """Return the slot for the hash in R0."""
    made.add(_MOV_X, _R1, source=_R0)
    made.add(_MOD, _R0, slots)
    for slot in sorted(parked):
        made.add(_JEQ, _R0, slot, "parked")
    made.add(_EXIT)
    if not parked:
        return
    others = [slot for slot in range(slots) if slot not in parked]
    made.label("parked")
    made.add(_DIV, _R1, slots)
    made.add(_MOD, _R1, len(others))
    for number, slot in enumerate(others):
        made.add(_MOV, _R0, slot)
        made.add(_JEQ, _R1, number, "chosen")
    made.label("chosen")
    made.add(_EXIT)


def program(slots: int, parked: frozenset[int] = frozenset()) -> bytes:
    """The program, as an array of C{struct bpf_insn}."""
    made = _Assembler()
    made.add(_MOV_X, _CONTEXT, source=_R1)
    made.add(_MOV, _AT, 0)
    made.add(_MOV, _COUNT, 0)
    _search(made)
    _skipBlanks(made, "before")
    made.add(_JEQ, _R0, ord(":"), "colon")
    made.label("miss")
    made.add(_MOV, _R0, 0)
    made.add(_JA, goto="slot")
    made.label("colon")
    made.add(_ADD, _AT, 1)
    _skipBlanks(made, "after")
    made.add(_JGT, _R0, 0x20, "value")
    made.add(_JA, goto="miss")
    made.label("value")
    # Adler-32's first sum is the lower half of a register, the second its upper half.
    made.add(_MOV, _SUMS, 1)
    made.add(_MOV, _COUNT, 0)
    made.label("byte")
    made.add(_JGE, _COUNT, 32, "mix")
    made.add(_ADD, _COUNT, 1)
    made.load(_LDB, 0)
    made.add(_JGT, _R0, 0x20, "take")
    made.add(_JA, goto="mix")
    made.label("take")
    made.add(_ADD, _AT, 1)
    made.add(_ADD_X, _SUMS, source=_R0)
    made.add(_MOV_X, _R1, source=_SUMS)
    made.add(_LSH, _R1, 32)
    made.add(_ADD_X, _SUMS, source=_R1)
    made.add(_JA, goto="byte")
    made.label("mix")
    made.add(_MOV_X, _R0, source=_SUMS)
    made.add(_RSH, _R0, 32)
    made.add(_MOD, _R0, 65521)
    made.add(_LSH, _R0, 16)
    made.add(_MOV32_X, _R1, source=_SUMS)
    made.add(_ADD32_X, _R0, source=_R1)
    made.add(_MUL32, _R0, MULTIPLIER)
    made.add(_RSH32, _R0, 16)
    made.label("slot")
    _choose(made, slots, parked)
    return made.assemble()


def load(slots: int, parked: frozenset[int] = frozenset()) -> int:
    """Give the program to the kernel.

    @return: its descriptor.
    @raise OSError: if this kernel, or this user, cannot.
    """
    return loadSocketFilter(program(slots, parked))
