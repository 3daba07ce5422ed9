#!/usr/bin/env python3
"""`prepare` from .jsonl.zst beside the tokenizer alone, at several sizes.

    prepare_speed.py TEXT WORK --tokenizer DIR --inheritune PROGRAM --tokenize PROGRAM [--sizes 1 10 100 1000]
                     [--workers 1 2] [--repeats 3]

TEXT is UTF-8, cut at blank lines into documents of about 3 kB, a line of JSON each, again and again until there are so many
MB; zstd, level 3. WORK is a directory for the files. PROGRAM is .build/release/inheritune, and
Benchmarks/.build/release/tokenize. The tokenizer is timed on a file of the same text with as many threads. Prints MB of text a
second, nanoseconds a token, and the largest memory of the process.
"""
import argparse, json, os, shutil, statistics

import measure, zstandard

arguments = argparse.ArgumentParser()
arguments.add_argument("text")
arguments.add_argument("work")
arguments.add_argument("--tokenizer", required=True)
arguments.add_argument("--inheritune", required=True)
arguments.add_argument("--tokenize", required=True)
arguments.add_argument("--sizes", type=int, nargs="+", default=[1, 10, 100, 1000])
arguments.add_argument("--workers", type=int, nargs="+", default=[1, 2])
arguments.add_argument("--repeats", type=int, default=3)
arguments = arguments.parse_args()


def paths(size):
    return f"{arguments.work}/{size}.jsonl.zst", f"{arguments.work}/{size}.txt"


def write(size):
    documents, current = [], ""
    for paragraph in open(arguments.text, encoding="utf-8").read().split("\n\n"):
        current += paragraph + "\n\n"
        if len(current) > 3000:
            documents.append(current)
            current = ""
    lines, text = paths(size)
    total = 0
    with open(lines, "wb") as file, open(text, "wb") as plain, zstandard.ZstdCompressor(level=3).stream_writer(file) as out:
        while total < size * 1e6:
            for document in documents:
                data = document.encode()
                plain.write(data)
                out.write(json.dumps({"text": document, "meta": {"source": "benchmark"}}).encode() + b"\n")
                total += len(data)
                if total >= size * 1e6:
                    break


def prepare(lines, workers):
    output = f"{arguments.work}/output"
    shutil.rmtree(output, ignore_errors=True)
    command = [arguments.inheritune, "prepare", lines, "--tokenizer", arguments.tokenizer, "--output", output,
               "--workers", str(workers), "--json"]
    run = measure.run(command)
    return run.seconds, json.loads(run.output)["tokens"], run.memory_MiB


def alone(text, workers):
    command = [arguments.tokenize, "speed", arguments.tokenizer, text, str(workers), "1"]
    return json.loads(measure.run(command).output)["MB_per_s"]


os.makedirs(arguments.work, exist_ok=True)
for size in arguments.sizes:
    write(size)
    lines, text = paths(size)
    megabytes = os.path.getsize(text) / 1e6
    for workers in arguments.workers:
        runs, rates = [], []
        for _ in range(arguments.repeats):
            rates.append(alone(text, workers))
            runs.append(prepare(lines, workers))
        seconds = statistics.median(run[0] for run in runs)
        print(json.dumps({
            "MB": round(megabytes, 1), "workers": workers, "tokenizer_MB_per_s": round(statistics.median(rates), 1),
            "MB_per_s": round(megabytes / seconds, 1),
            "of_tokenizer": round(statistics.median(megabytes / run[0] / rate for run, rate in zip(runs, rates)), 2),
            "ns_per_token": round(1e9 * seconds / runs[0][1], 1), "memory_MiB": round(max(run[2] for run in runs)),
        }), flush=True)
    os.remove(lines)
    os.remove(text)
