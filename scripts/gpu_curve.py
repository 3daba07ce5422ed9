#!/usr/bin/env python3
"""Trains what `device-check` trained, in PyTorch on the same batches, and compares the losses of each step.

    scripts/gpu_curve.py FOLDER...        folders that `device-check --parts curve` left (curve-gpt2, curve-llama)

PyTorch trains twice: in float32 and under bfloat16 autocast. How far apart these two are is what bfloat16 costs; the
curve of inheritune must be within three times that of one of them. One line of JSON for each folder; exit status
1 when a curve is too far off.
"""
import argparse
import json
import sys

import numpy
import torch
from transformers import AutoModelForCausalLM


def train(folder, settings, device, autocast):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(folder + "/model", dtype=torch.float32, attn_implementation="sdpa")
    model.to(device).train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": settings["weight_decay"]}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=settings["learning_rate"], betas=tuple(settings["betas"]), eps=1e-8)
    tokens = torch.from_numpy(numpy.fromfile(folder + "/tokens.bin", dtype="<u2").astype("int64"))
    batches = tokens.view(settings["steps"], settings["rows"], settings["length"] + 1).to(device)
    losses = []
    for batch in batches:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast):
            logits = model(batch[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings["clip"])
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return numpy.array(losses)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    folders = parser.parse_args().folders
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    failed = False
    for folder in folders:
        with open(folder + "/curve.json") as file:
            settings = json.load(file)
        ours = numpy.array(settings["losses"])
        exact = train(folder, settings, device, autocast=False)
        rounded = train(folder, settings, device, autocast=True)

        def distance(a, b):
            return float(numpy.abs(a - b).mean())

        noise = distance(exact, rounded)
        to_rounded, to_exact = distance(ours, rounded), distance(ours, exact)
        agrees = min(to_rounded, to_exact) <= 3 * noise + 1e-4
        failed |= not agrees
        print(json.dumps({
            "folder": folder, "precision": settings["precision"], "torch": torch.__version__, "device": device.type,
            "mean_difference_to_bf16": to_rounded, "mean_difference_to_float32": to_exact,
            "mean_difference_of_pytorch_bf16_to_float32": noise, "first_loss": [ours[0], rounded[0], exact[0]],
            "last_20": [float(x[-20:].mean()) for x in (ours, rounded, exact)], "agrees": agrees}))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
