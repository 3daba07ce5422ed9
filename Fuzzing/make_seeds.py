#!/usr/bin/env python3
"""Writes Seeds/: small good files of every kind that is read, for the fuzzer to start from. Needs torch, safetensors, h5py,
sentencepiece and tokenizers.   usage: make_seeds.py"""
import collections, io, json, pathlib, zipfile
import h5py, numpy as np, safetensors.torch, sentencepiece, tokenizers, torch

SEEDS = pathlib.Path(__file__).parent / "Seeds"
torch.manual_seed(1)
WEIGHTS = collections.OrderedDict(a=torch.randn(2, 3), b=torch.randn(3).half(), c=torch.tensor([1, 2, 3]))


def seed(target, name, content):
    path = SEEDS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def saved(value, **options):
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out.getvalue()


def deflated(archive):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(zipfile.ZipInfo(entry.filename), source.read(entry), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def hdf5(libver):
    out = io.BytesIO()
    with h5py.File(out, "w", libver=libver) as file:
        file.attrs["config"] = '{"model_type": "gpt2"}'
        file.attrs["layer_names"] = np.array([b"transformer"])
        group = file.create_group("transformer")
        group.attrs["weight_names"] = np.array([b"a:0", b"b/c:0"])
        group["a:0"] = np.arange(6, dtype=np.float32).reshape(2, 3)
        group["b/c:0"] = np.arange(4, dtype=np.float16)
        file["half"] = np.arange(3, dtype=np.uint16)
        file["half"].attrs["dtype"] = "bfloat16"
        file["soft"] = h5py.SoftLink("/half")
        file["text"] = "words"
    return out.getvalue()


def chunked(libver):
    """Every list of chunks and every filter that is read."""
    out = io.BytesIO()
    values = np.arange(60, dtype=np.uint16)
    with h5py.File(out, "w", libver=libver) as file:
        file.create_dataset("tokens", data=values, chunks=(16,), maxshape=(None,), compression=4, shuffle=True)
        file.create_dataset("holes", shape=(60,), chunks=(8,), dtype=np.float32, fillvalue=2, fletcher32=True)[20:30] = 1
        file.create_dataset("matrix", data=values.reshape(6, 10), chunks=(4, 3), maxshape=(None, None))
        if libver != "earliest":  # Where it is a list like the others.
            file.create_dataset("one", data=values, chunks=(60,), compression=1)
    return out.getvalue()


def main():
    seed("safetensors", "plain", safetensors.torch.save(dict(WEIGHTS), {"format": "pt"}))
    seed("safetensors", "empty", safetensors.torch.save({"e": torch.zeros(0, 2)}))

    shared = torch.randn(12)
    views = dict(whole=shared, part=shared[2:8].view(2, 3), turned=shared.view(3, 4).t(), one=shared[3],
                 wide=shared[:1].expand(4), parameter=torch.nn.Parameter(shared[:2]))
    training = dict(model={"_orig_mod." + key: value for key, value in WEIGHTS.items()}, iter_num=7,
                    model_args=dict(n_layer=1, bias=False, rate=0.5, none=None), best_val_loss=torch.tensor(3.0))
    for name, value in dict(plain=WEIGHTS, views=views, training=training).items():
        for protocol in (2, 5):
            seed("pytorch", f"{name}-{protocol}", saved(value, pickle_protocol=protocol))
            seed("legacy", f"{name}-{protocol}", saved(value, pickle_protocol=protocol, _use_new_zipfile_serialization=False))
    seed("pytorch", "deflated", deflated(saved(WEIGHTS)))

    for libver in ("earliest", "v110", "latest"):
        seed("hdf5", libver, hdf5(libver))
        seed("hdf5", f"chunks-{libver}", chunked(libver))

    seed("index", "plain", json.dumps(
        {"metadata": {"total_size": 16}, "weight_map": {"a": "a.safetensors", "b": "b.safetensors"}}).encode())

    common = dict(vocab_size=32, tie_word_embeddings=True)
    llama = dict(hidden_size=16, intermediate_size=24, num_attention_heads=4, num_key_value_heads=2, num_hidden_layers=2,
                 max_position_embeddings=64, head_dim=8, rms_norm_eps=1e-6, **common)
    rope = dict(rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                  original_max_position_embeddings=32), rope_theta=10000.0)
    configs = dict(
        gpt2=dict(n_embd=16, n_head=2, n_layer=2, n_positions=32, scale_attn_by_inverse_layer_idx=True, **common),
        llama=llama | rope, mistral=llama | dict(sliding_window=8), qwen3=llama | dict(attention_bias=True),
        qwen2=llama | dict(use_sliding_window=True, sliding_window=8, max_window_layers=1),
        gemma=llama | dict(hidden_activation="gelu_pytorch_tanh"),
        gemma2=llama | dict(attn_logit_softcapping=4.0, final_logit_softcapping=6.0, query_pre_attn_scalar=8,
                            sliding_window=8, layer_types=["sliding_attention", "full_attention"]),
        gpt_neox=dict(hidden_size=16, intermediate_size=24, num_attention_heads=2, num_hidden_layers=2, rotary_pct=0.5,
                      max_position_embeddings=64, use_parallel_residual=True, vocab_size=32),
        opt=dict(hidden_size=16, ffn_dim=24, num_attention_heads=2, num_hidden_layers=2, word_embed_proj_dim=16,
                 max_position_embeddings=64, do_layer_norm_before=True, **common),
        mpt=dict(d_model=16, n_heads=2, n_layers=2, expansion_ratio=2, max_seq_len=32, no_bias=True, vocab_size=32,
                 attn_config=dict(alibi=True, alibi_bias_max=8)))
    for kind, config in configs.items():
        seed("config", kind, json.dumps({"model_type": kind} | config).encode())

    text = ["once upon a time there was a little model", "it had few layers and learnt fast", "12345 äöü"] * 20
    for kind in ("bpe", "unigram"):
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(text), model_writer=model, vocab_size=60, model_type=kind, byte_fallback=False,
            hard_vocab_limit=False, minloglevel=2, normalization_rule_name="identity")
        seed("sentencepiece", kind, model.getvalue())
    bytelevel = tokenizers.ByteLevelBPETokenizer()
    bytelevel.train_from_iterator(text, vocab_size=280, show_progress=False, special_tokens=["<|endoftext|>"])
    seed("tokenizer", "byte-level", bytelevel.to_str().encode())
    llama3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
              r"|\s+(?!\S)|\s+")
    plain = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(llama3), "isolated")
    bytelevel.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([split, plain])
    bytelevel.post_processor = tokenizers.processors.Sequence([
        tokenizers.processors.ByteLevel(trim_offsets=False),
        tokenizers.processors.TemplateProcessing("<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)])])
    seed("tokenizer", "llama3-like", bytelevel.to_str().encode())
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(llama3.replace("{1,3}", "")), "isolated")
    bytelevel.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([split, plain])
    bytelevel.normalizer = tokenizers.normalizers.NFC()
    bytelevel.add_tokens([tokenizers.AddedToken("e\u0301", normalized=True), "  "])
    seed("tokenizer", "qwen-like", bytelevel.to_str().encode())
    bytelevel.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([
        tokenizers.pre_tokenizers.Digits(individual_digits=True), tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)])
    seed("tokenizer", "starcoder-like", bytelevel.to_str().encode())
    llama_like = tokenizers.SentencePieceBPETokenizer()
    llama_like.train_from_iterator(text, vocab_size=60, show_progress=False, special_tokens=["<unk>"])
    seed("tokenizer", "sentencepiece-like", llama_like.to_str().encode())


main()
