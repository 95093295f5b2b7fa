"""Stands in for wxc_sdk where that is not installed: as much as the recipe of
the recipe uses, with the rules of the original for tokens."""

import json
import os
import urllib.request

from .tokens import Tokens


class Person:
    def __init__(self, members):
        self.display_name = members["displayName"]


class People:
    def __init__(self, tokens):
        self.tokens = tokens

    def me(self):
        if self.tokens.remaining < 300:
            raise RuntimeError("would refresh by itself")
        request = urllib.request.Request(
            os.environ["WEBEX_URL"] + "/v1/people/me",
            headers={"Authorization": "Bearer " + self.tokens.access_token},
        )
        with urllib.request.urlopen(request) as answer:
            return Person(json.load(answer))


class WebexSimpleApi:
    def __init__(self, tokens):
        if not isinstance(tokens, Tokens):
            raise ValueError("tokens")
        self.people = People(tokens)
