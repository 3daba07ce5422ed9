#!/usr/bin/env python3
"""Tokenizers beside tiktoken, huggingface/tokenizers and sentencepiece, in turns on the same text.

    tokenizer_speed.py TEXT --gpt2 DIR --llama DIR --tokenize PROGRAM [--threads 1 2] [--repeats 7]

TEXT is UTF-8; it is cut at blank lines into documents of about 20 kB. --gpt2 is a directory with GPT-2's tokenizer.json,
--llama one with a SentencePiece tokenizer.model. PROGRAM is Benchmarks/.build/release/tokenize. Each repeat times the peer,
after a run that is not counted, and then ours in a new process, where no word has been met before; loading is not timed. What
is printed are medians over the repeats. The numbers of tokens must agree.
"""
import argparse, json, os, statistics, sys, time

import measure

arguments = argparse.ArgumentParser()
arguments.add_argument("text")
arguments.add_argument("--gpt2", required=True)
arguments.add_argument("--llama", required=True)
arguments.add_argument("--tokenize", required=True)
arguments.add_argument("--threads", type=int, nargs="+", default=[1, 2])
arguments.add_argument("--repeats", type=int, default=7)
arguments = arguments.parse_args()
# Read by the tokenizers library when it is loaded: all threads there are, or one.
os.environ["TOKENIZERS_PARALLELISM"] = "true"
os.environ["RAYON_NUM_THREADS"] = str(max(arguments.threads))
import sentencepiece, tiktoken
from tokenizers import Tokenizer

GPT2_PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""


def documents(text):
    result, start, at = [], 0, 0
    while (at := text.find(b"\n\n", at)) >= 0:
        if at - start > 20000:
            result.append(text[start:at])
            start = at = at + 2
        else:
            at += 1
    return [document.decode() for document in result + [text[start:]]]


def byte_of_character():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{chr(byte): byte for byte in printable}, **{chr(256 + k): byte for k, byte in enumerate(others)}}


def tiktoken_gpt2(directory):
    vocabulary = json.load(open(f"{directory}/tokenizer.json"))["model"]["vocab"]
    byte = byte_of_character()
    ranks = {bytes(byte[c] for c in token): rank for token, rank in vocabulary.items() if token != "<|endoftext|>"}
    return tiktoken.Encoding("gpt2", pat_str=GPT2_PATTERN, mergeable_ranks=ranks, special_tokens={})


text = open(arguments.text, "rb").read()
texts = documents(text)
size = sum(len(document.encode()) for document in texts) / 1e6
fast = Tokenizer.from_file(f"{arguments.gpt2}/tokenizer.json")
reference = tiktoken_gpt2(arguments.gpt2)
pieces = sentencepiece.SentencePieceProcessor(model_file=f"{arguments.llama}/tokenizer.model")


def tokenizers_run(threads):
    if threads == 1:
        return sum(len(fast.encode(document, add_special_tokens=False).ids) for document in texts)
    return sum(len(e.ids) for e in fast.encode_batch_fast(texts, add_special_tokens=False))


peers = [
    ("tiktoken", arguments.gpt2, lambda threads: sum(map(len, reference.encode_ordinary_batch(texts, num_threads=threads)))),
    ("tokenizers", arguments.gpt2, tokenizers_run),
    ("sentencepiece", arguments.llama, lambda threads: sum(map(len, pieces.encode(texts, num_threads=threads)))),
]


def ours(directory, threads):
    command = [arguments.tokenize, "speed", directory, arguments.text, str(threads), "1"]
    return json.loads(measure.run(command).output)


for name, directory, run in peers:
    for threads in arguments.threads:
        ratios, rates, own = [], [], []
        run(threads)
        for _ in range(arguments.repeats):
            start = time.perf_counter()
            tokens = run(threads)
            rates.append(size / (time.perf_counter() - start))
            result = ours(directory, threads)
            if result["tokens"] != tokens:
                sys.exit(f"{name}: {tokens} tokens, ours {result['tokens']}")
            own.append(result["MB_per_s"])
            ratios.append(own[-1] / rates[-1])
        print(json.dumps({
            "peer": name, "threads": threads, "MB": round(size, 1), "tokens": tokens,
            "peer_MB_per_s": round(statistics.median(rates), 2), "MB_per_s": round(statistics.median(own), 2),
            "ratio": round(statistics.median(ratios), 2), "range": [round(min(ratios), 2), round(max(ratios), 2)],
        }), flush=True)
