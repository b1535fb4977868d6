"""The tokenizer of a loaded model. Knows nothing of turns: what a text may become is `plain_text`'s."""

from __future__ import annotations

import ctypes

import llama_cpp

_PLAIN = llama_cpp.LLAMA_TOKEN_ATTR_NORMAL | llama_cpp.LLAMA_TOKEN_ATTR_BYTE
_NOT_PLAIN = (
    llama_cpp.LLAMA_TOKEN_ATTR_CONTROL
    | llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
    | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
    | llama_cpp.LLAMA_TOKEN_ATTR_UNUSED
)

# What a text is tokenized behind where the model would put a space before it.
_LEADS = ("\n", "\t", "!")


class LlamaVocabulary:
    """The tokenizer of a loaded model."""

    def __init__(self, vocab: object) -> None:
        self._vocab = vocab
        self._pieces: dict[int, bytes] = {}
        self.size: int = llama_cpp.llama_vocab_n_tokens(vocab)
        attributes = [llama_cpp.llama_vocab_get_attr(vocab, token) for token in range(self.size)]
        self._ends = bytes(llama_cpp.llama_vocab_is_eog(vocab, token) for token in range(self.size))
        self._control = bytes(bool(attribute & llama_cpp.LLAMA_TOKEN_ATTR_CONTROL) for attribute in attributes)
        self._plain = bytes(
            bool(attribute & _PLAIN) and not attribute & _NOT_PLAIN and not end
            for attribute, end in zip(attributes, self._ends, strict=True)
        )
        bos: int = llama_cpp.llama_vocab_bos(vocab)
        # SentencePiece models may put a space before whatever is tokenized, as if each post began a text of its own.
        self._spaced = b"".join(map(self.piece, self._tokenize("a", special=False))) == b" a"
        self.bos = bos if bos >= 0 and llama_cpp.llama_vocab_get_add_bos(vocab) else None

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """The ids of a text; with `special`, control tokens are parsed from their spelling."""
        for lead in _LEADS if self._spaced and text else ():
            before, ids = self._tokenize(lead, special=special), self._tokenize(lead + text, special=special)
            # Unless the model has a token that begins with the lead and goes on into the text.
            if ids[: len(before)] == before:
                return ids[len(before) :]
        return self._tokenize(text, special=special)

    def _tokenize(self, text: str, *, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        # A token is at least one byte, but for what a tokenizer puts before and after.
        room = len(data) + 8
        ids = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), ids, room, False, special)
        if count < 0:
            ids = (llama_cpp.llama_token * -count)()
            count = llama_cpp.llama_tokenize(self._vocab, data, len(data), ids, -count, False, special)
        return list(ids[:count])

    def is_plain(self, token: int) -> bool:
        """Whether it is a normal token or a byte, and ends no reply."""
        return bool(self._plain[token])

    def is_control(self, token: int) -> bool:
        """Whether it marks turns or ends replies."""
        return bool(self._control[token] or self._ends[token])

    def ends_reply(self, token: int) -> bool:
        """Whether a reply ends with it."""
        return bool(self._ends[token])

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """Its text; that of a control token is empty without `special`."""
        if not special and (known := self._pieces.get(token)) is not None:
            return known
        text = ctypes.create_string_buffer(64)
        length = llama_cpp.llama_token_to_piece(self._vocab, token, text, len(text), 0, special)
        if length < 0:
            text = ctypes.create_string_buffer(-length)
            length = llama_cpp.llama_token_to_piece(self._vocab, token, text, len(text), 0, special)
        found = text.raw[:length]
        if not special:
            self._pieces[token] = found
        return found

    def spelling(self, token: int) -> str:
        """How a template writes it; "" for the id -1, which stands for none."""
        return self.piece(token, special=True).decode("utf-8", "replace") if token >= 0 else ""
