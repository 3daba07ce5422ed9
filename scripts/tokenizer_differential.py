#!/usr/bin/env python3
"""Compares ids with those of the reference libraries on random strings over Unicode and on files: tokenizers for a directory
with a tokenizer.json, sentencepiece for one with a tokenizer.model. Needs numpy, tokenizers, sentencepiece, zstandard.

usage: tokenizer_differential.py TOKENIZE DIR… [--texts N] [--seed S] [--files FILE…] [--golden]

TOKENIZE is the executable of the package Benchmarks. FILE is .txt or .jsonl, each also .zst; a .jsonl has a document in the
key "text" of every line. --golden prints the hashes that the tests have instead of comparing.
Text k of seed S is the same in Tests/TokenizationTests/RandomTexts.swift."""
import argparse, io, json, os, pathlib, subprocess, sys, threading

import numpy as np
import sentencepiece, tokenizers, zstandard

# ---- Random strings -------------------------------------------------------------------------------------------------

MOST_PARTS = 16
# Kinds of parts: strings, or ranges of scalars.
KINDS = [
    ["a", "the", "ing", "Hello", "WORLD", "don", "re", "ll", "ization", "x", "I", "in", "er", "ÉTÉ", "naïve", "ß"],
    [" "], [" "],
    ["  ", "   ", "        ", " \n", "\n ", "\n\n", "\r\n", "\t\t", "\n  \n", " \t"],
    ["\t", "\n", "\r", "\v", "\f", "\u0085", "\u00a0", "\u1680", "\u2000", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f",
     "\u3000", "\u180e", "\u200b", "\u2060", "\ufeff", "\x1c", "\x1f"],
    ["'s", "'S", "'t", "'T", "'re", "'RE", "'rE", "'ve", "'Ve", "'m", "'M", "'ll", "'LL", "'d", "'D", "'ſ", "'r", "'", "’s"],
    [(0x61, 0x7A)], [(0x41, 0x5A)], [(0x30, 0x39)], [(0x21, 0x7E)], [(0x00, 0x1F), (0x7F, 0x9F)],
    [(0xA0, 0x24F), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x556), (0x10A0, 0x10FF)],
    [(0x590, 0x6FF), (0x900, 0x97F), (0x980, 0x9FF), (0xB80, 0xBFF), (0xE00, 0xEFF), (0xF00, 0xFFF), (0x1000, 0x109F)],
    [(0x1100, 0x11FF), (0x1100, 0x1112), (0x1161, 0x1175), (0x11A7, 0x11C2), (0xAC00, 0xD7A3), (0xD7A4, 0xD7FF)],
    [(0x3041, 0x30FF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F)],
    [(0x300, 0x345), (0x300, 0x36F), (0x591, 0x5BD), (0x64B, 0x65F), (0x93C, 0x94D), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF),
     (0x302A, 0x302F), (0x3099, 0x309A), (0x1D165, 0x1D172)],
    [(0xB2, 0xB9), (0xBC, 0xBE), (0x660, 0x669), (0x966, 0x96F), (0x2150, 0x218F), (0x2460, 0x249B), (0x3220, 0x3229),
     (0xFF10, 0xFF19), (0x1D7CE, 0x1D7FF)],
    [(0x1E00, 0x1EFF), (0x1F00, 0x1FFF), (0x958, 0x95F), (0x2126, 0x212B), (0xF71, 0xF81), (0x2ADC, 0x2ADC), (0xFB1D, 0xFB4E)],
    [(0x1F300, 0x1FAFF), (0x1F1E6, 0x1F1FF), (0x1F3FB, 0x1F3FF), (0x200D, 0x200D), (0xFE0F, 0xFE0F), (0x2600, 0x27BF)],
    ["👩‍🚀", "👨‍👩‍👧‍👦", "🇫🇷", "👍🏽", "❤️", "e\u0301", "o\u0302\u0323", "o\u0323\u0302", "q\u0307\u0323", "\u1100\u1161\u11a8", "\u0f71\u0f72"],
    [(0xD7FF, 0xD7FF), (0xE000, 0xE001), (0xFFFD, 0xFFFF), (0x10000, 0x10000), (0x10FFFF, 0x10FFFF), (0xFDD0, 0xFDEF)],
    ["<|endoftext|>", "<|endof", "text|>", "<|padding|>", "<s>", "</s>", "<unk>", "<", "|>", "[PAD]", "<0x41>", "▁", "▁▁", "▁the"],
    [(0x0, 0xD7FF), (0xE000, 0xFFFF)], [(0x10000, 0x10FFFF), (0x10000, 0x1FFFF)],
]
GAMMA = np.uint64(0x9E3779B97F4A7C15)


def mixed(state):
    """What SplitMix64 makes of its state."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def random_texts(seed, first, count):
    """Text k: SplitMix64 with the state that SplitMix64(seed + k) gives first. It gives the number of parts, then two numbers
    for each part: the kind; the lower half of the other one chooses from the kind, the upper half from the range."""
    with np.errstate(over="ignore"):
        state = mixed(np.uint64(seed) + np.arange(first, first + count, dtype=np.uint64) + GAMMA)
        steps = np.arange(1, 2 + 2 * MOST_PARTS, dtype=np.uint64) * GAMMA
        draws = mixed(state[:, None] + steps[None, :])
    parts = np.full((count, MOST_PARTS), "", dtype=object)
    kinds, values = draws[:, 1::2] % np.uint64(len(KINDS)), draws[:, 2::2]
    used = np.arange(MOST_PARTS)[None, :] <= (draws[:, :1] % np.uint64(MOST_PARTS)).astype(np.int64)
    for kind, items in enumerate(KINDS):
        chosen = used & (kinds == kind)
        value = values[chosen]
        item = ((value & np.uint64(0xFFFFFFFF)) % np.uint64(len(items))).astype(np.int64)
        if isinstance(items[0], str):
            parts[chosen] = np.array(items, dtype=object)[item]
        else:
            low, high = (np.array(ends, dtype=np.uint64)[item] for ends in zip(*items))
            parts[chosen] = list(map(chr, (low + (value >> np.uint64(32)) % (high - low + np.uint64(1))).tolist()))
    return ["".join(row) for row in parts.tolist()]


# ---- Both sides -----------------------------------------------------------------------------------------------------

def flat(lists):
    """Lists of ids one behind the other, the length of each in front of it."""
    return np.array([number for ids in lists for number in (len(ids), *ids)], dtype=np.int32)


class Reference:
    def __init__(self, directory):
        directory = pathlib.Path(directory)
        if (directory / "tokenizer.model").exists():
            self.model = sentencepiece.SentencePieceProcessor(model_file=str(directory / "tokenizer.model"))
            self.encode = lambda texts: self.model.encode(texts, num_threads=1)
        else:
            self.tokenizer = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
            self.encode = lambda texts: [
                encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False)]


class Subject:
    def __init__(self, executable, directory):
        self.process = subprocess.Popen([executable, "ids", directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def encode(self, texts):
        texts = [text.encode() for text in texts]
        data = b"".join(len(text).to_bytes(4, "little") + text for text in texts)
        writer = threading.Thread(target=self.write, args=(data,))
        writer.start()
        numbers = [self.numbers(int(self.numbers(1)[0])) for _ in texts]
        writer.join()
        return flat(numbers)

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def numbers(self, count):
        data = self.process.stdout.read(4 * count)
        assert len(data) == 4 * count, "the executable has ended"
        return np.frombuffer(data, dtype="<i4").tolist()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def compare(name, reference, subject, texts):
    """How many texts have other ids; prints the first."""
    if np.array_equal(flat(reference.encode(texts)), subject.encode(texts)):
        return 0
    differences = 0
    for text in texts:
        expected, found = list(reference.encode([text])[0]), subject.encode([text]).tolist()[1:]
        if expected != found:
            differences += 1
            if differences <= 3:
                print(f"{name}: {text[:200]!a}\n  expected {expected[:60]}\n  found    {found[:60]}", flush=True)
    return differences


# ---- Files ----------------------------------------------------------------------------------------------------------

def documents(path):
    raw = open(path, "rb")
    text = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(raw) if path.endswith(".zst") else raw, encoding="utf-8",
                            newline="")
    if ".jsonl" in path:
        yield from (json.loads(line)["text"] for line in text)
    else:
        yield text.read()


# ---- Hashes for the tests -------------------------------------------------------------------------------------------

def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"0x{value:016X}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tokenize")
    parser.add_argument("directories", nargs="+")
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", nargs="*", default=[])
    parser.add_argument("--golden", action="store_true")
    arguments = parser.parse_args()
    if arguments.golden:
        texts = random_texts(arguments.seed, 0, arguments.texts)
        print("texts", fnv1a("".join(texts).encode()))
        for directory in arguments.directories:
            print(directory, fnv1a(flat(Reference(directory).encode(texts)).tobytes()))
        return 0

    failures = 0
    for directory in arguments.directories:
        reference, subject = Reference(directory), Subject(arguments.tokenize, directory)
        name, different = os.path.basename(directory.rstrip("/")), 0
        for path in arguments.files:
            texts = list(documents(path))
            count = compare(name, reference, subject, texts)
            different += count
            print(f"{name}: {path}: {len(texts)} documents, {count} with other ids", flush=True)
        batch = 20_000
        for first in range(0, arguments.texts, batch):
            texts = random_texts(arguments.seed, first, min(batch, arguments.texts - first))
            different += compare(name, reference, subject, texts)
            if different > 100:
                break
        print(f"{name}: {first + len(texts) if arguments.texts else 0} random texts, {different} differences in all", flush=True)
        subject.close()
        failures += different
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
