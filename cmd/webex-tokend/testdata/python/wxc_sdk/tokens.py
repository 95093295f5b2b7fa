"""The model of wxc_sdk.tokens, strict where the original is: strings are
strings, token_type is Bearer and nothing else, times have a zone."""

import datetime


class Tokens:
    @classmethod
    def model_validate(cls, members):
        tokens = cls()
        for name in ("access_token", "token_type", "expires_at", "scope"):
            if not isinstance(members[name], str):
                raise ValueError(name)
        if members["token_type"] != "Bearer":
            raise ValueError("token_type")
        tokens.access_token = members["access_token"]
        at = members["expires_at"].replace("Z", "+00:00")
        date, _, zone = at.partition("+")
        tokens.expires_at = datetime.datetime.fromisoformat(date.split(".")[0] + "+" + zone)
        return tokens

    @property
    def remaining(self):
        left = self.expires_at - datetime.datetime.now(datetime.timezone.utc)
        return int(left.total_seconds())
