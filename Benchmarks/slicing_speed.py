#!/usr/bin/env python3
"""Slices the first 13 blocks of a checkpoint made by make_checkpoint.py, by this program and by others, in turn.
usage: slicing_speed.py CHECKPOINT --inheritune BINARY [--repeats 5] [--cold] [--peers] [--checksum]

Every repeat runs each command once, in a fresh process, into an empty folder; what is printed is the median wall time, its
ratio to `cp` of the bytes that the slice has, and the largest resident memory of any run. --cold empties the page cache
before each run (needs root). --peers adds mergekit and transformers, from the Python that runs this."""
import argparse, os, pathlib, shutil, statistics, sys, tempfile

import measure

TRANSFORMERS = """
import sys, torch
from transformers import AutoModelForCausalLM
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float16)
model.model.layers = model.model.layers[:13]
model.config.num_hidden_layers = 13
model.save_pretrained(sys.argv[2])
"""
MERGEKIT = """
slices: [{{sources: [{{model: {}, layer_range: [0, 13]}}]}}]
merge_method: passthrough
dtype: float16
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--inheritune", required=True)
    parser.add_argument("--repeats", type=int, default=5)
    for flag in ("--cold", "--peers", "--checksum"):
        parser.add_argument(flag, action="store_true")
    arguments = parser.parse_args()
    forms = [arguments.checkpoint / form for form in ("safetensors", "bin")]
    forms = [form for form in forms if form.exists()]

    with tempfile.TemporaryDirectory(dir=arguments.checkpoint) as work:
        work = pathlib.Path(work)
        child = work / "child"
        inherit = [arguments.inheritune, "inherit", "--layers", "13"]
        measure.run(inherit + [forms[0], child])
        target = work / "out"
        commands = {"cp": ["cp", str(child / "model.safetensors"), str(target)]}
        # What inherit writes is on the disk when it ends; what cp writes is not.
        commands["cp and sync"] = ["sh", "-c", f"cp '{child}/model.safetensors' '{target}' && sync '{target}'"]
        for form in forms:
            commands[f"inherit {form.name}"] = inherit + [str(form), str(target)]
        if arguments.checksum:
            commands["inherit --checksum"] = inherit + ["--checksum", str(forms[0]), str(target)]
            commands["sha256sum"] = ["sha256sum"] + [str(file) for file in sorted(forms[0].glob("*.safetensors"))]
        if arguments.peers:
            recipe = work / "mergekit.yaml"
            recipe.write_text(MERGEKIT.format(forms[0]))
            merge = pathlib.Path(sys.executable).parent / "mergekit-yaml"
            commands["mergekit"] = [str(merge), str(recipe), str(target)]
            commands["transformers"] = [sys.executable, "-c", TRANSFORMERS, str(forms[0]), str(target)]
        times = {name: [] for name in commands}
        memory = dict.fromkeys(commands, 0)
        for repeat in range(arguments.repeats + 1):
            for name, command in commands.items():
                if target.is_dir():
                    shutil.rmtree(target)
                target.unlink(missing_ok=True)
                os.sync()
                if arguments.cold:
                    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")
                run = measure.run(command)
                # The first round warms up.
                if repeat:
                    times[name].append(run.seconds)
                    memory[name] = max(memory[name], run.memory_MiB)
        base = statistics.median(times["cp"])
        print(f"{'command':22} {'seconds':>8} {'of cp':>6} {'MiB':>7}   {arguments.repeats} runs, {'cold' if arguments.cold else 'warm'} cache")
        for name in commands:
            median = statistics.median(times[name])
            ratio = statistics.median(a / b for a, b in zip(times[name], times["cp"]))
            print(f"{name:22} {median:8.2f} {ratio:6.2f} {memory[name]:7.0f}   " + " ".join(f"{t:.2f}" for t in times[name]))


main()
