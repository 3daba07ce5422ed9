#!/usr/bin/env python3
"""Writes a random model of transformers with a tokenizer: ids below 256 are bytes, the others words like <300>.
usage: make_model.py OUT CONFIG, where CONFIG is the text of a config.json"""
import json, pathlib, sys
import torch
from transformers import AutoConfig, AutoModelForCausalLM

folder, settings = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
torch.manual_seed(0)
AutoModelForCausalLM.from_config(AutoConfig.for_model(**settings)).save_pretrained(folder)

# Byte-level BPE writes bytes that are no printable characters as those from 256 on.
printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
others = [byte for byte in range(256) if byte not in printable]
character = {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + k) for k, byte in enumerate(others)}}
vocabulary = {character[byte]: byte for byte in range(256)}
vocabulary |= {f"<{index}>": index for index in range(256, settings["vocab_size"])}
byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
(folder / "tokenizer.json").write_text(json.dumps({
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
    "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
    "model": {"type": "BPE", "vocab": vocabulary, "merges": []}}))
