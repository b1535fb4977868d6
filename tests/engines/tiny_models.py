"""Random models of a few kilobytes, of several architectures, written with the `gguf` package.

They say nonsense, but llama.cpp treats their memory as that of large ones: `llama` can be cut and copied, `gemma3` has
a sliding window of 32 tokens in most layers, `mamba` is recurrent and can only forget all, and `jamba` is a hybrid: one
layer is recurrent and one has cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from gguf import GGUFWriter, TokenType

Architecture: TypeAlias = Literal["llama", "gemma3", "mamba", "jamba"]
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
RECURRENT: tuple[Architecture, ...] = ("mamba", "jamba")

WINDOW = 32
CONTEXT = 512

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ALTERNATING = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}{{ raise_exception('no system') }}"
    "{% elif message.role == 'user' %}[INST] {{ message.content }} [/INST]{% else %} {{ message.content }}</s>"
    "{% endif %}{% endfor %}"
)
"""Like Mistral's: turns alternate, no system turn, a first token, and literals that are ordinary text."""

_EMBED, _HEADS, _HEAD, _FEED, _INNER, _STATE, _CONV, _RANK = 32, 2, 16, 48, 64, 8, 4, 2
_LAYERS = {"llama": 2, "gemma3": 6, "mamba": 2, "jamba": 2}
_WORDS = ("▁", "▁a", "▁the", "in", "er", "on", "▁ll", "ama", "▁hi", "\n", *"abcdefghijklmnopqrstuvwxyz")
_CONTROL = ("<s>", "</s>", "<|im_start|>", "<|im_end|>")


def write_model(folder: Path, architecture: Architecture, template: str = CHATML, *, spaced: bool = False) -> Path:
    """Write a model file; `spaced` is that of SentencePiece models that put a space before what they tokenize."""
    path = folder / f"{architecture}{'-spaced' if spaced else ''}-{len(template)}.gguf"
    writer = GGUFWriter(path, architecture)
    writer.add_name(f"Tiny {architecture}")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(_EMBED)
    writer.add_block_count(_LAYERS[architecture])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_chat_template(template)
    vocabulary = _write_vocabulary(writer, spaced=spaced, bos=template != CHATML)
    if architecture in RECURRENT:
        writer.add_ssm_conv_kernel(_CONV)
        writer.add_ssm_inner_size(_INNER)
        writer.add_ssm_state_size(_STATE)
        writer.add_ssm_time_step_rank(_RANK)
    if architecture == "mamba":
        writer.add_feed_forward_length(0)
        writer.add_head_count(0)
    else:
        writer.add_feed_forward_length(_FEED)
        writer.add_head_count(_HEADS)
        # A hybrid's layers without heads are the recurrent ones.
        writer.add_head_count_kv([0, 1] if architecture == "jamba" else 1)
        writer.add_key_length(_HEAD)
        writer.add_value_length(_HEAD)
        writer.add_rope_dimension_count(_HEAD)
    if architecture == "gemma3":
        writer.add_sliding_window(WINDOW)
    random = np.random.default_rng(7)
    for name, shape in _tensors(architecture, vocabulary):
        writer.add_tensor(name, _values(random, name, shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _write_vocabulary(writer: GGUFWriter, *, spaced: bool, bos: bool) -> int:
    tokens = [("<unk>", TokenType.UNKNOWN)]
    tokens += [(word, TokenType.CONTROL) for word in _CONTROL]
    tokens += [(f"<0x{byte:02X}>", TokenType.BYTE) for byte in range(256)]
    tokens += [(word, TokenType.NORMAL) for word in _WORDS]
    writer.add_tokenizer_model("llama")
    writer.add_token_list([word for word, _ in tokens])
    writer.add_token_scores([-float(place) for place in range(len(tokens))])
    writer.add_token_types([kind for _, kind in tokens])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_eot_token_id(4)
    writer.add_add_bos_token(bos)
    writer.add_add_space_prefix(spaced)
    return len(tokens)


def _tensors(architecture: Architecture, vocabulary: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "token_embd.weight", (vocabulary, _EMBED)
    yield "output_norm.weight", (_EMBED,)
    if architecture != "gemma3":
        yield "output.weight", (vocabulary, _EMBED)
    for layer in range(_LAYERS[architecture]):
        for name, shape in _layer(architecture, layer):
            yield f"blk.{layer}.{name}", shape


def _layer(architecture: Architecture, layer: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "attn_norm.weight", (_EMBED,)
    if architecture == "mamba" or (architecture == "jamba" and layer == 0):
        yield from _recurrent()
    else:
        yield from _attention()
    if architecture == "jamba" and layer == 0:
        yield "ssm_dt_norm.weight", (_RANK,)
        yield "ssm_b_norm.weight", (_STATE,)
        yield "ssm_c_norm.weight", (_STATE,)
    if architecture != "mamba":
        yield from _feed_forward()
    if architecture == "gemma3":
        for name in ("attn_q_norm", "attn_k_norm"):
            yield f"{name}.weight", (_HEAD,)
        for name in ("post_attention_norm", "post_ffw_norm"):
            yield f"{name}.weight", (_EMBED,)


def _recurrent() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "ssm_in.weight", (2 * _INNER, _EMBED)
    yield "ssm_conv1d.weight", (_INNER, _CONV)
    yield "ssm_conv1d.bias", (_INNER,)
    yield "ssm_x.weight", (_RANK + 2 * _STATE, _INNER)
    yield "ssm_dt.weight", (_INNER, _RANK)
    yield "ssm_dt.bias", (_INNER,)
    yield "ssm_a", (_INNER, _STATE)
    yield "ssm_d", (_INNER,)
    yield "ssm_out.weight", (_EMBED, _INNER)


def _attention() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "attn_q.weight", (_HEADS * _HEAD, _EMBED)
    yield "attn_k.weight", (_HEAD, _EMBED)
    yield "attn_v.weight", (_HEAD, _EMBED)
    yield "attn_output.weight", (_EMBED, _HEADS * _HEAD)


def _feed_forward() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "ffn_norm.weight", (_EMBED,)
    yield "ffn_gate.weight", (_FEED, _EMBED)
    yield "ffn_up.weight", (_FEED, _EMBED)
    yield "ffn_down.weight", (_EMBED, _FEED)


def _values(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    values = random.normal(size=shape).astype(np.float32)
    if "norm" in name:
        return 1 + values / 10
    if name.endswith("ssm_a"):
        return -np.abs(values) - 0.1
    # Large enough that what was said long ago changes what is said next.
    return values if len(shape) == 1 or name == "token_embd.weight" else values * 2 / np.sqrt(shape[-1]).astype("f")
