#!/usr/bin/env python3
"""Greedy generation by transformers with its key/value cache, batch 1, float32: median tokens a second over --repeats,
after one that is not counted. Prints JSON with the text.

    generate.py MODEL --prompt TEXT --new-tokens N [--cache dynamic|static] [--compile] [--threads 2] [--repeats 3]
"""
import argparse, json, statistics, time
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--prompt", required=True)
parser.add_argument("--new-tokens", type=int, required=True)
parser.add_argument("--cache", choices=("dynamic", "static"), default="dynamic")
parser.add_argument("--compile", action="store_true")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--repeats", type=int, default=3)
arguments = parser.parse_args()

torch.set_num_threads(arguments.threads)
tokenizer = Tokenizer.from_file(f"{arguments.model}/tokenizer.json")
model = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32).eval()
if arguments.compile:
    model.forward = torch.compile(model.forward)
prompt = torch.tensor([tokenizer.encode(arguments.prompt).ids])
settings = dict(
    attention_mask=torch.ones_like(prompt), do_sample=False, min_new_tokens=arguments.new_tokens,
    max_new_tokens=arguments.new_tokens, pad_token_id=0, disable_compile=True,
    **({"cache_implementation": "static"} if arguments.cache == "static" else {}))
rates = []
with torch.inference_mode():
    for _ in range(1 + arguments.repeats):
        start = time.perf_counter()
        output = model.generate(prompt, **settings)
        rates.append(arguments.new_tokens / (time.perf_counter() - start))
print(json.dumps({
    "tokens_per_s_median": statistics.median(rates[1:]), "rates": rates, "text": tokenizer.decode(output[0].tolist())}))
