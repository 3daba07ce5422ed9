#!/usr/bin/env python3
"""Checks that a directory written by inheritune loads in transformers unchanged and gives the same logits.

    pip install torch transformers safetensors
    scripts/check_transformers.py MODEL [--text TEXT] [--inheritune PATH]

MODEL is a directory that `inheritune inherit` or `inheritune train` wrote. transformers must load it without missing or
unexpected tensors. The text's log-likelihood from transformers is compared with `inheritune eval MODEL --text FILE`.
Exit status 0 when both agree to 1e-4 relative.
"""
import argparse
import json
import subprocess
import sys
import tempfile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast


def load_tokenizer(directory):
    """tokenizer.json as it is written: transformers 5's own LLaMA class rebuilds parts of it."""
    try:
        return PreTrainedTokenizerFast.from_pretrained(directory)
    except (OSError, ValueError):
        return AutoTokenizer.from_pretrained(directory)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--text", default="Once upon a time, there was a little girl named Lily. She loved to play outside.")
    parser.add_argument("--inheritune", default=".build/release/inheritune")
    arguments = parser.parse_args()

    model, info = AutoModelForCausalLM.from_pretrained(arguments.model, output_loading_info=True, dtype=torch.float32)
    problems = {key: list(value) for key, value in info.items() if value}
    if problems:
        sys.exit(f"transformers did not load {arguments.model} as it is: {problems}")

    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(arguments.text)
        file.flush()
        output = subprocess.run(
            [arguments.inheritune, "eval", arguments.model, "--text", file.name, "--json"],
            check=True, capture_output=True, text=True).stdout
    ours = json.loads(output)["total"]

    tokenizer = load_tokenizer(arguments.model)
    ids = tokenizer(arguments.text)["input_ids"]
    prefix = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    ids = torch.tensor([[prefix] + ids])
    with torch.no_grad():
        scores = torch.log_softmax(model.eval()(ids[:, :-1]).logits[0].double(), -1)
    theirs = float(scores.gather(1, ids[0, 1:, None]).sum())

    difference = abs(ours["loglikelihood"] - theirs) / abs(theirs)
    print(f"tokens {ours['tokens']} and {ids.shape[1] - 1}")
    print(f"log-likelihood: inheritune {ours['loglikelihood']:.6f}, transformers {theirs:.6f}, relative {difference:.1e}")
    if ours["tokens"] != ids.shape[1] - 1 or difference > 1e-4:
        sys.exit("they differ")
    print("they agree")


if __name__ == "__main__":
    main()
