#!/usr/bin/env python3
"""Writes a checkpoint with OpenLLaMA-3B's names and shapes and random float16 values: OUT/safetensors (two shards and an
index) and OUT/bin (pytorch_model.bin). Needs numpy, safetensors and torch.   usage: make_checkpoint.py OUT [--layers 26]"""
import argparse, json, pathlib
import numpy as np, safetensors.numpy, torch

WIDTH, FEED_FORWARD, VOCABULARY, HEADS = 3200, 8640, 32000, 32


def shapes(layers):
    yield "model.embed_tokens.weight", (VOCABULARY, WIDTH)
    for layer in range(layers):
        block = f"model.layers.{layer}."
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            yield f"{block}self_attn.{name}.weight", (WIDTH, WIDTH)
        for name in ("gate_proj", "up_proj"):
            yield f"{block}mlp.{name}.weight", (FEED_FORWARD, WIDTH)
        yield f"{block}mlp.down_proj.weight", (WIDTH, FEED_FORWARD)
        for name in ("input_layernorm", "post_attention_layernorm"):
            yield f"{block}{name}.weight", (WIDTH,)
    yield "model.norm.weight", (WIDTH,)
    yield "lm_head.weight", (VOCABULARY, WIDTH)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--layers", type=int, default=26)
    arguments = parser.parse_args()
    random = np.random.default_rng(1)
    # One block of numbers, taken at different places: making 3.4 billion would take longer than everything else.
    block = (random.standard_normal(1 << 27, dtype=np.float32) * 0.02).astype(np.float16)

    def values(shape):
        count = int(np.prod(shape))
        start = int(random.integers(0, block.size - count))
        return block[start:start + count].reshape(shape)

    tensors = list(shapes(arguments.layers))
    config = dict(
        architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=WIDTH, intermediate_size=FEED_FORWARD,
        num_attention_heads=HEADS, num_hidden_layers=arguments.layers, vocab_size=VOCABULARY, hidden_act="silu",
        max_position_embeddings=2048, rms_norm_eps=1e-6, initializer_range=0.02, tie_word_embeddings=False,
        bos_token_id=1, eos_token_id=2, torch_dtype="float16")
    for form in ("safetensors", "bin"):
        folder = arguments.out / form
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config, indent=2))
    where, half = {}, len(tensors) // 2
    for number, part in enumerate((tensors[:half], tensors[half:]), 1):
        name = f"model-{number:05d}-of-00002.safetensors"
        safetensors.numpy.save_file(
            {key: values(shape) for key, shape in part}, arguments.out / "safetensors" / name, {"format": "pt"})
        where |= {key: name for key, _ in part}
    index = {"metadata": {"total_size": sum(2 * int(np.prod(shape)) for _, shape in tensors)}, "weight_map": where}
    (arguments.out / "safetensors" / "model.safetensors.index.json").write_text(json.dumps(index))
    torch.save({key: torch.from_numpy(values(shape).copy()) for key, shape in tensors},
               arguments.out / "bin" / "pytorch_model.bin")


main()
