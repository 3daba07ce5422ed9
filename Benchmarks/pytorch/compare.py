#!/usr/bin/env python3
"""This program beside PyTorch, in turns, on the same shapes: tokens a second, memory, share of the GEMM ceiling.

Every work is first tried in each of PyTorch's modes; the fastest is its opponent. Then they take turns, in an order
that changes from turn to turn, each time in new processes. Everything measured is in the results file at once: run
again with the same file, it goes on with what is missing, and with a larger --turns it adds turns. Variables of the
environment that force a BLAS library's kernels or threads are left out, for both.

A Markdown table goes to standard output when everything that was asked for is there: ratios of the medians, and in
brackets the range of the turns' own ratios."""
import argparse, hashlib, json, os, pathlib, platform, sys, tempfile

from works import CONTEXT, WORKS, Setup, measure, median


def main():
    parser = argparse.ArgumentParser(
        prog="compare_pytorch.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=pathlib.Path, required=True, metavar="DIR",
                        help="has gpt2_train.py, llama_train.py and forward_score.py")
    parser.add_argument("--inheritune", type=pathlib.Path, default=".build/release/inheritune", metavar="PROGRAM")
    parser.add_argument("--kernels", type=pathlib.Path, default="Benchmarks/.build/release/kernels", metavar="PROGRAM",
                        help="measures the GEMM ceiling")
    parser.add_argument("--works", default=",".join(WORKS), metavar="LIST", help="of " + ", ".join(WORKS))
    parser.add_argument("--blas", default="auto", metavar="LIST",
                        help="what multiplies matrices here, each a row of its own: auto,openblas")
    parser.add_argument("--mode", metavar="NAME",
                        help="eager, fused, compile or static, instead of trying which is fastest")
    parser.add_argument("--turns", type=int, default=5, help="of each work; 5")
    parser.add_argument("--steps", type=int, help="timed steps of a turn; each work has its own number")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work-folder", type=pathlib.Path, metavar="DIR",
                        help="for models, tokens and runs, 3 GB; a temporary one")
    parser.add_argument("--results", type=pathlib.Path, default="compare_pytorch.json", metavar="FILE")
    arguments = parser.parse_args()
    names, blas = arguments.works.split(","), arguments.blas.split(",")
    for name in names:
        if name not in WORKS:
            parser.error(f"--works {name}: expected some of {', '.join(WORKS)}")
        if arguments.mode and arguments.mode not in WORKS[name].modes:
            parser.error(f"--mode {arguments.mode}: {name} has {', '.join(WORKS[name].modes)}")
    if arguments.turns < 1 or (arguments.steps or 1) < 1 or arguments.threads < 1:
        parser.error("--turns, --steps and --threads: expected 1 or more")
    for path, what in [(arguments.inheritune, "--inheritune"), (arguments.kernels, "--kernels"),
                       (arguments.peers / "gpt2_train.py", "--peers")]:
        if not path.is_file():
            parser.error(f"{what}: no file {path}")

    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.work_folder or pathlib.Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        setup = Setup(folder, str(arguments.inheritune.absolute()), arguments.peers.absolute(), arguments.threads)
        results = Results(arguments.results, identity(arguments), setup)
        for name in names:
            compare(WORKS[name], setup, results, blas, arguments)
    print(table(results.contents, names, blas))


def identity(arguments):
    """What must not change within a results file."""
    import importlib.metadata
    return {
        "inheritune": hashlib.sha256(arguments.inheritune.read_bytes()).hexdigest(), "threads": arguments.threads,
        "blas": arguments.blas, "steps": arguments.steps, "torch": importlib.metadata.version("torch"),
        "transformers": importlib.metadata.version("transformers"), "machine": processor()}


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith(("model name", "CPU part"))]
    return f"{os.cpu_count()} × {models[0] if models else platform.machine()}"


class Results:
    """The results file: written whole after everything that is measured."""

    def __init__(self, path, identity, setup):
        self.path, self.setup = path, setup
        self.contents = {"identity": identity, "works": {}}
        if path.exists():
            self.contents = json.loads(path.read_text())
            for key, value in identity.items():
                found = self.contents["identity"].get(key)
                if found != value:
                    sys.exit(f"{path}: measured with {key} {found}, this is {value}: name another file with --results")
        if "import_torch_MiB" not in self.contents:
            run = measure.run([sys.executable, "-c", "import torch"], setup.environment())
            self.contents["import_torch_MiB"] = run.memory_MiB
            self.save()

    def of(self, work):
        return self.contents["works"].setdefault(work.name, {"modes": {}, "turns": []})

    def save(self):
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.contents, indent=1, ensure_ascii=False))
        partial.replace(self.path)


def compare(work, setup, results, blas, arguments):
    found = results.of(work)
    steps = arguments.steps or work.steps
    if arguments.mode:
        if found["turns"] and found["mode"] != arguments.mode:
            sys.exit(f"{work.name}: measured beside {found['mode']}, this is --mode {arguments.mode}: "
                     "name another file with --results")
        found["mode"] = arguments.mode
    elif "mode" not in found:
        for mode in work.modes:
            if mode not in found["modes"]:
                found["modes"][mode] = work.theirs(setup, mode, steps)
                found["modes"][mode].pop("text", None)
                results.save()
                note(f"{work.name}: PyTorch {mode} {found['modes'][mode]['tokens_per_s']:.0f} tokens/s")
        found["mode"] = max(work.modes, key=lambda mode: found["modes"][mode]["tokens_per_s"])
    while len(found["turns"]) < arguments.turns:
        turn = {"mode": found["mode"], "ours": {}}
        runs = [lambda name=name: turn["ours"].update({name: work.ours(setup, name, steps)}) for name in blas]
        runs.append(lambda: turn.update(theirs=work.theirs(setup, turn["mode"], steps)))
        if work.passes:
            runs.insert(1, lambda: turn.update(gemm_gflops=gemm_ceiling(work, setup, arguments)))
        for run in reversed(runs) if len(found["turns"]) % 2 else runs:
            os.sync()  # what one wrote is not the next one's burden
            run()
        text = turn["theirs"].pop("text", None)
        for name, run in turn["ours"].items():
            if text is not None and run.pop("text").strip() != text.strip():
                note(f"{work.name}: {name} and PyTorch wrote different texts")
        found["turns"].append(turn)
        results.save()
        ours = ", ".join(f"{name} {turn['ours'][name]['tokens_per_s']:.0f}" for name in blas)
        note(f"{work.name}: {ours}; PyTorch {turn['mode']} {turn['theirs']['tokens_per_s']:.0f} tokens/s")


def gemm_ceiling(work, setup, arguments):
    """GFLOP/s of the work's own matrix products, each by the fastest library."""
    shape = work.shape
    found = measure.run([
        arguments.kernels.absolute(), "products", "--family", shape.family, "--layers", shape.layers,
        "--width", shape.width, "--heads", shape.heads, "--feed-forward", shape.feed_forward,
        "--vocabulary", shape.vocabulary, "--batch", work.batch, "--length", CONTEXT, "--threads", setup.threads,
        "--json"], setup.environment())
    return json.loads(found.output)["forward_gflops" if work.passes == 1 else "training_gflops"]


def table(contents, names, blas):
    lines = [
        "| work | BLAS | PyTorch, tokens/s | inheritune, tokens/s | ratio | PyTorch, MiB | inheritune, MiB | ratio "
        "| of GEMM |",
        "|---|---|---|---|---|---|---|---|---|"]
    for name in names:
        work, found = WORKS[name], contents["works"][name]
        # Of all turns: what else runs on the machine only lowers it.
        ceiling = max(turn.get("gemm_gflops", 0) for turn in found["turns"])
        for library in blas:
            pairs = [(turn["ours"][library], turn["theirs"]) for turn in found["turns"]]
            ours, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
            speed, memory = ([median([run[key] for run in side]) for side in (ours, theirs)] for key in (
                "tokens_per_s", "memory_MiB"))
            ratios = sorted(one["tokens_per_s"] / other["tokens_per_s"] for one, other in pairs)
            share = "" if not work.passes else (
                f"{speed[0] * work.passes * work.shape.operations_per_token() / 1e9 / ceiling:.0%}")
            lines.append(
                f"| {work.title} | {library} | {speed[1]:.0f} ({found['mode']}) | {speed[0]:.0f} "
                f"| {speed[0] / speed[1]:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) "
                f"| {memory[1]:.0f} | {memory[0]:.0f} | {memory[0] / memory[1]:.2f} | {share} |")
    lines.append("")
    turns = [len(contents["works"][name]["turns"]) for name in names]
    counted = f"{min(turns)}" if min(turns) == max(turns) else f"{min(turns)} to {max(turns)}"
    known = contents["identity"]
    lines.append(
        f"Medians of {counted} turns, {known['threads']} threads, {known['machine']}; torch {known['torch']}, "
        f"transformers {known['transformers']}. `import torch` alone: {contents['import_torch_MiB']:.0f} MiB.")
    return "\n".join(lines)


def note(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
