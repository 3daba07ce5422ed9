#!/usr/bin/env python3
"""Scoring by `inheritune eval` and by lm-evaluation-harness (transformers backend), in turns, as whole commands.

  scoring_speed.py model OUT --tokenizer DIR [--layers 12 --width 768 --heads 12]
  scoring_speed.py compare MODEL --data DIR --tasks piqa,hellaswag,arc_easy --inheritune PATH --lm-eval PATH
                   [--num-fewshot N] [--limit N] [--batch-size 32] [--repeats 5] [--threads 2]

`model` makes a randomly initialised GPT-2 with the tokenizer of DIR (vocab.json, merges.txt). `compare` reads rows from
DIR/<task>/<split>.jsonl, which the harness gets through its own `lm_eval` command and task files that include the packaged
ones and change nothing but where rows come from. Needs torch, transformers, lm_eval.

Prints for each turn seconds and largest memory of both, then medians, the ratio of the times, and whether the metrics agree.
"""
import argparse
import json
import os
import statistics
import tempfile

import measure


def model(a):
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer
    names = {"vocab": os.path.join(a.tokenizer, "vocab.json"), "merges": os.path.join(a.tokenizer, "merges.txt")}
    tokenizer = GPT2Tokenizer(**names)
    torch.manual_seed(1)
    configuration = GPT2Config(
        vocab_size=len(tokenizer), n_positions=1024, n_embd=a.width, n_layer=a.layers, n_head=a.heads)
    GPT2LMHeadModel(configuration).save_pretrained(a.out)
    tokenizer.save_pretrained(a.out)
    for path in names.values():
        with open(path, "rb") as source, open(os.path.join(a.out, os.path.basename(path)), "wb") as copy:
            copy.write(source.read())


def task_files(folder, data, tasks):
    """A task file for each task whose rows are local; returns the names that the harness knows them by."""
    import yaml
    from lm_eval.tasks import TaskManager
    manager = TaskManager()
    names = []
    for task in tasks:
        keys = ("training_split", "validation_split", "test_split", "fewshot_split")
        splits = {key: manager.task_index[task].cfg.get(key) for key in keys}
        files = {
            split: os.path.abspath(os.path.join(data, task, split + ".jsonl")) for split in splits.values() if split}
        files = {split: path for split, path in files.items() if os.path.exists(path)}
        local = {
            "include": manager.task_index[task].yaml_path.as_posix(), "task": task + "_local", "dataset_path": "json",
            "dataset_name": None, "dataset_kwargs": {"data_files": files}, "tag": None,
            **{key: split for key, split in splits.items() if split and split in files},
            **{key: None for key, split in splits.items() if split and split not in files}}
        with open(os.path.join(folder, task + "_local.yaml"), "w", encoding="utf-8") as out:
            yaml.safe_dump(local, out)
        names.append(task + "_local")
    return names


def metrics(results):
    return {
        (task.removesuffix("_local"), key): value for task, entry in results["results"].items()
        for key, value in entry.items() if key.endswith(",none") and "stderr" not in key}


def compare(a):
    tasks = a.tasks.split(",")
    environment = {**os.environ, "OMP_NUM_THREADS": str(a.threads), "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        names = task_files(folder, a.data, tasks)
        extra = []
        if a.num_fewshot is not None:
            extra += ["--num_fewshot", str(a.num_fewshot)]
        if a.limit is not None:
            extra += ["--limit", str(a.limit)]
        theirs = [
            a.lm_eval, "run", "--model", "hf", "--model_args", f"pretrained={a.model},dtype=float32", "--device", "cpu",
            "--tasks", *names, "--include_path", folder, "--batch_size", str(a.batch_size),
            "--output_path", folder + "/theirs", *extra]
        ours = [
            a.inheritune, "eval", a.model, "--tasks", a.tasks, "--data", a.data, "--output", folder + "/ours", "--force",
            "--threads", str(a.threads), *[e.replace("_", "-") if e.startswith("--") else e for e in extra]]
        measured = []
        for repeat in range(a.repeats):
            runs = (measure.run(ours, environment), measure.run(theirs, environment))
            turn = [(run.seconds, run.memory_MiB) for run in runs]
            measured.append(turn)
            print("inheritune %.1f s, %.0f MiB; lm_eval %.1f s, %.0f MiB" % (*turn[0], *turn[1]), flush=True)
        with open(folder + "/ours/results.json", encoding="utf-8") as file:
            own = metrics(json.load(file))
        newest = max(
            (os.path.join(root, name) for root, _, files in os.walk(folder + "/theirs") for name in files
             if name.startswith("results_")), key=os.path.getmtime)
        with open(newest, encoding="utf-8") as file:
            peer = metrics(json.load(file))
    ratios = sorted(theirs[0] / ours[0] for ours, theirs in measured)
    print("median %.1f s and %.1f s, ratio %.2f (%.2f to %.2f), largest memory %.0f and %.0f MiB" % (
        statistics.median(m[0][0] for m in measured), statistics.median(m[1][0] for m in measured),
        statistics.median(ratios), ratios[0], ratios[-1], max(m[0][1] for m in measured),
        max(m[1][1] for m in measured)))
    different = [key for key in sorted(peer) if abs(own.get(key, float("nan")) - peer[key]) > 1e-6 * abs(peer[key])
                 or key not in own]
    print(f"{len(peer)} metrics, {len(different)} differ", *different)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    m = commands.add_parser("model")
    m.add_argument("out")
    m.add_argument("--tokenizer", required=True)
    m.add_argument("--layers", type=int, default=12)
    m.add_argument("--width", type=int, default=768)
    m.add_argument("--heads", type=int, default=12)
    c = commands.add_parser("compare")
    c.add_argument("model")
    c.add_argument("--data", required=True)
    c.add_argument("--tasks", required=True)
    c.add_argument("--inheritune", required=True)
    c.add_argument("--lm-eval", required=True)
    c.add_argument("--num-fewshot", type=int)
    c.add_argument("--limit", type=int)
    c.add_argument("--batch-size", type=int, default=32)
    c.add_argument("--repeats", type=int, default=5)
    c.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    (model if a.command == "model" else compare)(a)


if __name__ == "__main__":
    main()
