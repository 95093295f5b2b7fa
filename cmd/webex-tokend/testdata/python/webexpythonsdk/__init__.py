"""Stands in for webexpythonsdk: reads the token as the original does."""

import json
import os
import types
import urllib.request

ACCESS_TOKEN = os.environ.get("WEBEX_ACCESS_TOKEN")


class WebexAPI:
    def __init__(self, access_token=None):
        token = access_token or ACCESS_TOKEN
        if not token:
            raise ValueError("no access token")
        self.people = types.SimpleNamespace(me=lambda: me(token))


def me(token):
    request = urllib.request.Request(
        os.environ["WEBEX_URL"] + "/v1/people/me",
        headers={"Authorization": "Bearer " + token},
    )
    with urllib.request.urlopen(request) as answer:
        return types.SimpleNamespace(**json.load(answer))
