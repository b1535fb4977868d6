"""People by name on a real Jupyter server: who shows the token `NAME.TOKEN` is the user NAME."""

from __future__ import annotations

import hmac

from jupyter_server.auth.identity import IdentityProvider, User
from tornado import web


class Accounts(IdentityProvider):
    """Stands for any identity provider that has accounts."""

    async def get_user_token(self, handler: web.RequestHandler) -> User | None:
        """Give whom the token names, where it ends as the server's own."""
        name, _, token = (self.get_token(handler) or "").partition(".")
        if name and self.token and hmac.compare_digest(token, self.token):
            return User(username=name, name=name.title(), display_name=name.title())
        return None
