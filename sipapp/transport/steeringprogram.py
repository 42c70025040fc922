"""The program that makes the kernel steer: see L{sipapp.transport.steering} for what it computes.

It is classic BPF: forward jumps only, at most 4,096 instructions, and the kernel
charges its translation to C{net.core.optmem_max}. So it is a sequence of I{rounds}. A round loads
the next 48 bytes by fours and looks at every second one for a control character (a CRLF cannot
hide between them). It ends at a line, which is compared with the two names, or after 48 bytes; the
next one starts where it stopped. The 32 rounds that fit get past five Via and four Record-Route
lines (about 1,000 bytes), where a test at each position would end after 500. What lies beyond is
given to slot 0 by the kernel and to its owner by L{Steering}. A load beyond the end of the
datagram makes the program return 0.
"""

from __future__ import annotations

import struct

#: 2**32 / golden ratio, for Knuth's multiplicative hashing.
MULTIPLIER = 2654435761

_MAX_INSTRUCTIONS = 4096
_ADLER_MODULUS = 65521
_VALUE_BYTES = 32
_BLANKS = 8
#: How many bytes a round looks at.
_STRIDE = 48

# Classic BPF instructions: class | size | mode, as in <linux/bpf_common.h>.
_LDB_IND, _LDH_IND, _LDW_IND = 0x50, 0x48, 0x40
_LD_IMM, _LD_MEM, _ST, _LDX_IMM, _LDX_MEM = 0x00, 0x60, 0x02, 0x01, 0x61
_ADD, _ADD_X, _SUB, _MUL, _DIV, _MOD = 0x04, 0x0C, 0x14, 0x24, 0x34, 0x94
_OR, _AND, _LSH, _RSH = 0x44, 0x54, 0x64, 0x74
_JA, _JEQ, _JGT = 0x05, 0x15, 0x25
_RET_K, _RET_A, _TAX, _TXA = 0x06, 0x16, 0x07, 0x87


class Instruction:
    """One instruction; C{jt}, C{jf} and, for C{ja}, C{k} may be labels until it is assembled."""

    __slots__ = ("code", "jf", "jt", "k")

    def __init__(self, code: int, k: int | str = 0, jt: str = "", jf: str = "") -> None:
        self.code = code
        self.k = k
        self.jt = jt
        self.jf = jf


class _Program:
    """Collects instructions and labels; a label names the instruction that follows it."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.labels: dict[str, int] = {}

    def label(self, name: str) -> None:
        self.labels[name] = len(self.instructions)

    def add(self, code: int, k: int | str = 0, jt: str = "", jf: str = "") -> None:
        self.instructions.append(Instruction(code, k, jt, jf))

    def assemble(self) -> bytes:
        packed = []
        for index, one in enumerate(self.instructions):
            jt = self.labels[one.jt] - index - 1 if one.jt else 0
            jf = self.labels[one.jf] - index - 1 if one.jf else 0
            k = self.labels[one.k] - index - 1 if isinstance(one.k, str) else one.k
            packed.append(struct.pack("=HBBI", one.code, jt, jf, k))
        return b"".join(packed)


def _round(program: _Program, number: int) -> None:
    """Look at the next 48 bytes. On entry A is their offset."""
    here = f"{number}."
    words = _STRIDE // 4
    program.label(f"round{number}")
    program.add(_TAX)
    for word in range(words):
        # The carry out of the upper half of bytes 1 and 3 is missing where that half is zero, as
        # it is in CR and LF and in nothing printable. A CRLF has one of its bytes there.
        program.add(_LDW_IND, 4 * word)
        program.add(_AND, 0x00F000F0)
        program.add(_ADD, 0x00F000F0)
        program.add(_AND, 0x01000100)
        program.add(_JEQ, 0x01000100, jf=f"{here}in{word}")
    program.add(_TXA)
    program.add(_ADD, _STRIDE)
    program.add(_JA, f"round{number + 1}")
    # As many additions as the jump leaves count the words before; A's lowest byte was zero.
    for word in range(words - 1, 0, -1):
        program.label(f"{here}in{word}")
        program.add(_ADD, 4)
    program.label(f"{here}in0")
    program.add(_AND, 0xFF)
    program.add(_ADD_X)
    program.add(_TAX)
    for offset in range(4):
        program.add(_LDH_IND, offset)
        program.add(_JEQ, 0x0D0A, jt=f"{here}line{offset}")
    program.add(_TXA)
    program.add(_ADD, 4)
    program.add(_JA, f"round{number + 1}")
    for offset in (3, 2, 1):
        program.label(f"{here}line{offset}")
        program.add(_ADD, 1)
    program.label(f"{here}line0")
    program.add(_SUB, 0x0D0A)
    program.add(_ADD_X)
    program.add(_TAX)
    # X is at a CRLF.
    program.add(_LDW_IND, 2)
    program.add(_OR, 0x20202020)
    program.add(_JEQ, int.from_bytes(b"call", "big"), jf=f"{here}compact")
    program.add(_LDW_IND, 5)
    program.add(_OR, 0x20002020)
    program.add(_JEQ, int.from_bytes(b"l-id", "big"), jf=f"{here}on")
    program.add(_JA, "long")
    program.label(f"{here}compact")
    program.add(_RSH, 24)
    program.add(_JEQ, ord("i"), jf=f"{here}on")
    program.add(_LDB_IND, 3)
    for byte in b": \t":
        program.add(_JEQ, byte, jt=f"{here}found")
    program.add(_JA, f"{here}on")
    program.label(f"{here}found")
    program.add(_JA, "compact")
    program.label(f"{here}on")
    program.add(_TXA)
    program.add(_ADD, 2)


def _skipBlanks(program: _Program, name: str) -> None:
    """Move X over at most eight blanks."""
    for blank in range(_BLANKS):
        program.add(_LDB_IND, 0)
        program.add(_JEQ, 0x20, jt=f"{name}{blank}")
        program.add(_JEQ, 0x09, jf=f"{name}end")
        program.label(f"{name}{blank}")
        program.add(_TXA)
        program.add(_ADD, 1)
        program.add(_TAX)
    program.label(f"{name}end")


def _hash(program: _Program) -> None:
    """Leave the hash of the value at X in A. M[0] and M[1] are Adler-32's two sums."""
    program.add(_LD_IMM, 1)
    program.add(_ST, 0)
    program.add(_LD_IMM, 0)
    program.add(_ST, 1)
    program.add(_TXA)
    program.add(_ST, 2)
    for offset in range(_VALUE_BYTES):
        program.add(_LDX_MEM, 2)
        program.add(_LDB_IND, offset)
        # Conditional jumps reach 255 instructions.
        program.add(_JGT, 0x20, jt=f"take{offset}")
        program.add(_JA, "mix")
        program.label(f"take{offset}")
        program.add(_LDX_MEM, 0)
        program.add(_ADD_X)
        program.add(_ST, 0)
        program.add(_LDX_MEM, 1)
        program.add(_ADD_X)
        program.add(_ST, 1)
    program.label("mix")
    # The first sum stays below the modulus: 1 + 32 * 255. The second may pass it.
    program.add(_LD_MEM, 1)
    program.add(_MOD, _ADLER_MODULUS)
    program.add(_LSH, 16)
    program.add(_LDX_MEM, 0)
    program.add(_ADD_X)
    program.add(_MUL, MULTIPLIER)
    program.add(_RSH, 16)


def _choose(program: _Program, slots: int, parked: frozenset[int]) -> None:
    """Return the slot for the hash in A."""
    program.add(_ST, 0)
    program.add(_MOD, slots)
    for slot in sorted(parked):
        program.add(_JEQ, slot, jf=f"not{slot}")
        # Conditional jumps reach 255 instructions.
        program.add(_JA, "parked")
        program.label(f"not{slot}")
    program.add(_RET_A)
    if not parked:
        return
    others = [slot for slot in range(slots) if slot not in parked]
    program.label("parked")
    program.add(_LD_MEM, 0)
    program.add(_DIV, slots)
    program.add(_MOD, len(others))
    for number, slot in enumerate(others[:-1]):
        program.add(_JEQ, number, jf=f"other{number + 1}")
        program.add(_RET_K, slot)
        program.label(f"other{number + 1}")
    program.add(_RET_K, others[-1])


def program(slots: int, rounds: int, parked: frozenset[int] = frozenset()) -> bytes:
    """The classic BPF program, as an array of C{struct sock_filter}."""
    made = _Program()
    made.add(_LD_IMM, 0)
    for number in range(rounds):
        _round(made, number)
    made.label(f"round{rounds}")
    made.add(_JA, "miss")
    made.label("long")
    made.add(_TXA)
    made.add(_ADD, 9)
    made.add(_JA, "name")
    made.label("compact")
    made.add(_TXA)
    made.add(_ADD, 3)
    made.label("name")
    made.add(_TAX)
    _skipBlanks(made, "before")
    made.add(_LDB_IND, 0)
    made.add(_JEQ, ord(":"), jf="miss")
    made.add(_TXA)
    made.add(_ADD, 1)
    made.add(_TAX)
    _skipBlanks(made, "after")
    made.add(_LDB_IND, 0)
    made.add(_JGT, 0x20, jt="value")
    made.label("miss")
    made.add(_LD_IMM, 0)
    made.add(_JA, "slot")
    made.label("value")
    _hash(made)
    made.label("slot")
    _choose(made, slots, parked)
    return made.assemble()


_ROUND_INSTRUCTIONS = (len(program(1, 2)) - len(program(1, 1))) // 8


def largest(slots: int, parked: frozenset[int] = frozenset()) -> int:
    """The number of rounds that a program has room for."""
    return (_MAX_INSTRUCTIONS - len(program(slots, 0, parked)) // 8) // _ROUND_INSTRUCTIONS
