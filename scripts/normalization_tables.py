#!/usr/bin/env python3
"""Writes Sources/Tokenization/CanonicalTables+Data.swift: what huggingface/tokenizers does to text by NFC, asked of the library
itself, because it keeps to the Unicode version that it was written with. Needs tokenizers.
usage: normalization_tables.py > FILE"""
import unicodedata

import tokenizers

NFC, NFD = (form().normalize_str for form in (tokenizers.normalizers.NFC, tokenizers.normalizers.NFD))
SCALARS = [value for value in range(0x110000) if not 0xD800 <= value < 0xE000]
HANGUL = range(0xAC00, 0xAC00 + 11172)


def combining_class(value):
    """Python's, if the library moves the mark where that class says; otherwise the library does not know the mark."""
    mark, expected = chr(value), unicodedata.combining(chr(value))
    if not expected or NFD(mark) != mark:
        return 0
    # U+0334 is of class 1, U+0345 of class 240: no mark is outside of these.
    moves = NFD("\u0345" + mark) != "\u0345" + mark or NFD(mark + "\u0334") != mark + "\u0334"
    return expected if moves or expected in (1, 240) else 0


def check(classes):
    """The order of two marks is that of their classes."""
    for first, of_first in classes.items():
        for second, of_second in classes.items():
            pair = chr(first) + chr(second)
            assert NFD(pair) == (pair[::-1] if of_second < of_first else pair), (hex(first), hex(second))


def single_step(value):
    """The decomposition whose parts may be decomposable themselves."""
    text = unicodedata.decomposition(chr(value))
    assert text and not text.startswith("<"), hex(value)
    return [int(part, 16) for part in text.split()]


def rows(name, comment, numbers):
    print(f"  /// {comment}\n  static let {name}: [UInt32] = [")
    line = "   "
    for number in numbers:
        if len(line) + len(f" {number},") > 120:
            print(line)
            line = "   "
        line += f" {number},"
    print(line + "\n  ]")


def main():
    classes = {value: kind for value in SCALARS if (kind := combining_class(value))}
    check(classes)
    decomposable = [value for value in SCALARS if value not in HANGUL and NFD(chr(value)) != chr(value)]

    runs, end, previous = [], 0, None
    for value in [*sorted(classes), None]:
        if previous is not None and (value != previous + 1 or classes[value] != classes[previous]):
            runs += [start - end, previous + 1 - start, classes[previous]]
            end = previous + 1
            start = value
        elif previous is None:
            start = value
        previous = value

    composites, others, last, last_other = [], [], 0, 0
    for value in decomposable:
        parts = single_step(value)
        if NFC(chr(value)) == chr(value):
            composites += [value - last, *parts]
            last = value
        else:
            others += [value - last_other, parts[0], parts[1] if len(parts) > 1 else 0]
            last_other = value

    print(f"""// What huggingface/tokenizers {tokenizers.__version__} does by NFC: that is Unicode 9.0.0. Made by scripts/normalization_tables.py.
//
// Scalars are counted from the one before them in the list, the first from 0.

extension CanonicalTables {{""")
    rows("classRuns", "Canonical_Combining_Class where it is not 0: scalars in between, how many follow, their class.", runs)
    print()
    rows("composites", "Characters that their two parts compose to: scalar, first part, second part.", composites)
    print()
    rows("others", "Characters that are only decomposed: scalar, first part, second part or 0.", others)
    print("}")


main()
