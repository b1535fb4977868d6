"""What somebody is called in a room where peers are anonymous: an animal and a number, always the same in that room.

Pure. This module touches trust. It covers: without the room's secret key nobody can tell whose a pseudonym is, nor that
two of different rooms are one person's; a person and their kernels are called the same. It does not cover what they
write, when they come and go, or two people whom chance calls alike (their ids differ).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

ANIMALS: Final = (
    "Alpaca", "Antelope", "Badger", "Beaver", "Bison", "Buffalo", "Camel", "Caribou", "Cheetah", "Chipmunk",
    "Cormorant", "Coyote", "Crane", "Cricket", "Curlew", "Deer", "Dolphin", "Dragonfly", "Duck", "Eagle", "Egret",
    "Elk", "Falcon", "Ferret", "Finch", "Firefly", "Flamingo", "Fox", "Gazelle", "Gecko", "Gibbon", "Giraffe",
    "Goose", "Grouse", "Hamster", "Hare", "Hedgehog", "Heron", "Ibex", "Ibis", "Iguana", "Jackdaw", "Jaguar",
    "Kestrel", "Kingfisher", "Kiwi", "Koala", "Lark", "Lemur", "Leopard", "Lizard", "Lynx", "Magpie", "Marten",
    "Meerkat", "Mole", "Moose", "Narwhal", "Newt", "Nightingale", "Ocelot", "Okapi", "Oriole", "Osprey", "Otter",
    "Owl", "Panda", "Partridge", "Pelican", "Penguin", "Pheasant", "Plover", "Porcupine", "Puffin", "Puma", "Quail",
    "Rabbit", "Raccoon", "Raven", "Reindeer", "Robin", "Salmon", "Seal", "Sparrow", "Squirrel", "Stork", "Swallow",
    "Swan", "Swift", "Tapir", "Tern", "Thrush", "Tiger", "Toucan", "Trout", "Turtle", "Walrus", "Weasel", "Whale",
    "Wombat", "Woodpecker", "Wren", "Yak", "Zebra",
)  # fmt: skip

NUMBERS: Final = 999


def pseudonym(room_key: bytes, user: str) -> str:
    """Give what a user is called in the room with that secret key."""
    name = f"pseudonym\0{user}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(blake2b(name, key=room_key, digest_size=8).digest())
    return f"{ANIMALS[number % len(ANIMALS)]} {number // len(ANIMALS) % NUMBERS + 1}"
