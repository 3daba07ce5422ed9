"""What is compared: each work as this program's command and as the peer's, on the same shapes."""
import json, os, pathlib, random, shutil, sys
from dataclasses import dataclass

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import measure

CONTEXT = 256
PROMPT, NEW_TOKENS = "The inherited blocks come first.", 128  # 32 tokens of one byte each


@dataclass(frozen=True)
class Shape:
    family: str  # "gpt2" or "llama"
    layers: int
    width: int
    heads: int
    feed_forward: int
    vocabulary: int

    def operations_per_token(self):
        """Of the forward matrix products; of attention's T × T the half that a causal model sees."""
        feed_forward = (2 if self.family == "gpt2" else 3) * self.width * self.feed_forward
        return (2 * self.layers * (4 * self.width ** 2 + feed_forward) + 2 * self.width * self.vocabulary
                + 2 * self.layers * CONTEXT * self.width)

    def configuration(self):
        """As Hugging Face's config.json has it."""
        if self.family == "gpt2":
            return dict(
                model_type="gpt2", n_layer=self.layers, n_embd=self.width, n_head=self.heads, n_inner=self.feed_forward,
                n_positions=CONTEXT, vocab_size=self.vocabulary, activation_function="gelu_new")
        return dict(
            model_type="llama", num_hidden_layers=self.layers, hidden_size=self.width, num_attention_heads=self.heads,
            num_key_value_heads=self.heads, intermediate_size=self.feed_forward, max_position_embeddings=CONTEXT,
            vocab_size=self.vocabulary, hidden_act="silu", rms_norm_eps=1e-6, tie_word_embeddings=False)

    def peer_arguments(self):
        return ["--layers", self.layers, "--width", self.width, "--heads", self.heads, "--ffn", self.feed_forward,
                "--vocab", self.vocabulary, "--context", CONTEXT]


@dataclass
class Setup:
    """Where everything is. `folder` is for models, tokens and runs, and may be used again."""
    folder: pathlib.Path
    inheritune: str
    peers: pathlib.Path
    threads: int

    def ours(self, command, *arguments, blas):
        chosen = [] if blas == "auto" else ["--blas", blas]
        return [self.inheritune, command, *arguments, "--device", "cpu", "--threads", self.threads, *chosen]

    def environment(self):
        """Without what would choose a library's kernels or threads by force."""
        forced = ("OPENBLAS_", "MKL_", "DNNL_", "ONEDNN_", "OMP_", "KMP_")
        return {key: value for key, value in os.environ.items() if not key.startswith(forced)}

    def peer(self, script, *arguments):
        """A run of a peer's script: tokens a second, largest memory, and all else it prints."""
        found = measure.run([sys.executable, script, *arguments, "--threads", self.threads], self.environment())
        report = json.loads(found.output.strip().splitlines()[-1])
        return {"tokens_per_s": report["tokens_per_s_median"], "memory_MiB": found.memory_MiB, **report}

    def tokens(self, name, vocabulary, count):
        """A file of random tokens in nanoGPT's format."""
        path = self.folder / f"{name}-{count}.bin"
        if not path.exists():
            source = random.Random(1)
            ids = (source.randrange(vocabulary) for _ in range(count))
            path.write_bytes(b"".join(token.to_bytes(2, "little") for token in ids))
        return path

    def model(self, shape):
        """A random model with a tokenizer of bytes, written by transformers."""
        path = self.folder / f"{shape.family}-{shape.layers}x{shape.width}"
        if not (path / "tokenizer.json").exists():
            script = pathlib.Path(__file__).parent / "make_model.py"
            measure.run([sys.executable, script, path, json.dumps(shape.configuration())], self.environment())
        return path


@dataclass(frozen=True)
class Training:
    """`inheritune train` on random tokens, beside the peers' training loop: AdamW with decay on matrices, gradients
    clipped to norm 1. The first `warmup` steps are not counted."""
    name: str
    title: str
    shape: Shape
    batch: int
    steps: int
    warmup: int = 2
    passes = 3  # forward, and twice as much backward
    modes = {"eager": [], "fused": ["--fused"], "compile": ["--fused", "--compile"]}

    def ours(self, setup, blas, steps):
        directory = setup.folder / f"run-{self.name}"
        shutil.rmtree(directory, ignore_errors=True)
        recipe = {
            "model": {"config": self.shape.configuration()},
            "data": {
                "train": str(setup.tokens(self.name, self.shape.vocabulary, 1 << 20)),
                "sequence_length": CONTEXT},
            "optimizer": {"beta1": 0.9, "beta2": 0.95, "weight_decay": 0.1, "decay": "matrices"},
            "schedule": {"kind": "constant", "learning_rate": 3e-4, "warmup_steps": 0},
            "training": {
                "steps": self.warmup + steps, "global_batch_size": self.batch, "micro_batch_size": self.batch,
                "gradient_clipping": 1.0, "precision": "float32"},
            "validation": {"every": 0},
            "output": {"directory": str(directory), "log_every": 1},
        }
        path = setup.folder / f"{self.name}.yaml"
        path.write_text(json.dumps(recipe, indent=2))  # JSON is YAML
        found = measure.run(setup.ours("train", path, blas=blas), setup.environment())
        lines = map(json.loads, (directory / "metrics.jsonl").read_text().splitlines())
        # Each line is of one step: the clock runs from fetching the batch until the update is done.
        rates = [line["tokens_per_second"] for line in lines if "loss" in line][self.warmup:]
        shutil.rmtree(directory)
        return {"tokens_per_s": median(rates), "steps_tokens_per_s": rates, "memory_MiB": found.memory_MiB}

    def theirs(self, setup, mode, steps):
        return setup.peer(
            setup.peers / f"{self.shape.family}_train.py", "--json", *self.shape.peer_arguments(),
            "--batch", self.batch, "--steps", steps, "--warmup", self.warmup, *self.modes[mode])


@dataclass(frozen=True)
class Scoring:
    """`inheritune eval --tokens`, every token's log-probability given those before it, beside transformers.

    The clock of the command also counts starting and loading. So a short run is taken off a long one: what is left are
    `steps` batches, as the peer's clock has them."""
    name: str
    title: str
    shape: Shape
    batch: int
    steps: int
    warmup: int = 2
    passes = 1
    modes = {"eager": [], "compile": ["--compile"]}

    def ours(self, setup, blas, steps):
        model, batch = setup.model(self.shape), self.batch * CONTEXT

        def run(batches):
            tokens = setup.tokens(self.name, self.shape.vocabulary, batches * batch + 1)
            command = setup.ours("eval", model, "--tokens", tokens, "--batch-tokens", batch, "--json", blas=blas)
            found = measure.run(command, setup.environment())
            assert json.loads(found.output)["tokens"] == batches * batch
            return found

        # Not counted: it brings the model into the system's memory, and chooses what is chosen once for a machine.
        run(self.warmup)
        short, long = run(self.warmup), run(self.warmup + steps)
        return {"tokens_per_s": steps * batch / (long.seconds - short.seconds), "memory_MiB": long.memory_MiB}

    def theirs(self, setup, mode, steps):
        return setup.peer(
            setup.peers / "forward_score.py", "--arch", self.shape.family, *self.shape.peer_arguments(), "--batch",
            self.batch, "--steps", steps, "--warmup", self.warmup, *self.modes[mode])


@dataclass(frozen=True)
class Generation:
    """`inheritune generate`, greedy, beside transformers' `generate` with its cache: from the prompt, which this
    program prints when the model is loaded, to the last of the new tokens."""
    name: str
    title: str
    shape: Shape
    steps: int
    passes = 0  # bounded by memory, not by products
    modes = {"eager": [], "static": ["--cache", "static"], "compile": ["--cache", "static", "--compile"]}

    def ours(self, setup, blas, steps):
        command = setup.ours(
            "generate", setup.model(self.shape), "--prompt", PROMPT, "--max-tokens", NEW_TOKENS, "--temperature", 0,
            blas=blas)
        runs = [measure.run(command, setup.environment()) for _ in range(steps)]
        rates = [NEW_TOKENS / (run.arrivals[1] - run.arrivals[0]) for run in runs]
        return {"tokens_per_s": median(rates), "runs_tokens_per_s": rates,
                "memory_MiB": max(run.memory_MiB for run in runs), "text": runs[0].output}

    def theirs(self, setup, mode, steps):
        return setup.peer(
            pathlib.Path(__file__).parent / "generate.py", setup.model(self.shape), "--prompt", PROMPT, "--new-tokens",
            NEW_TOKENS, "--repeats", steps, *self.modes[mode])


def median(values):
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


GPT2_124M = Shape("gpt2", 12, 768, 12, 3072, 50257)
LLAMA_162M = Shape("llama", 12, 768, 12, 2048, 50257)
GPT2_SMALL = Shape("gpt2", 6, 384, 6, 1536, 4096)
LLAMA_SMALL = Shape("llama", 6, 384, 6, 1024, 4096)
WORKS = {
    work.name: work for work in [
        Training("gpt2-124m-train", "GPT-2 124M, B 4, T 256, training", GPT2_124M, 4, 6),
        Training("llama-162m-train", "LLaMA 162M, B 4, T 256, training", LLAMA_162M, 4, 6),
        Training("gpt2-6x384-train", "GPT-2 6 × 384, V 4096, B 8, T 256, training", GPT2_SMALL, 8, 16),
        Training("llama-6x384-train", "LLaMA 6 × 384, V 4096, B 8, T 256, training", LLAMA_SMALL, 8, 16),
        Scoring("gpt2-124m-score", "GPT-2 124M, B 4, T 256, scoring", GPT2_124M, 4, 10),
        Generation("gpt2-124m-generate", "GPT-2 124M, B 1, greedy generation, 32 + 128 tokens", GPT2_124M, 3),
    ]
}
