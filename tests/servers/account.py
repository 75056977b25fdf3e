# SPDX-License-Identifier: MIT
"""Who logs in to the servers of the tests, by a password or by a token."""
import base64
import hashlib
import hmac
import json
import urllib.parse

USER = "ann@mail.test"
PASSWORD = "s3cret, and long= 0123456789"
KEY = b"the key that signs the tokens of these tests"
TOKENS = ("XOAUTH2", "OAUTHBEARER")


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(subject=USER, expires=4102444800, key=KEY):
    """A JSON Web Token (RFC 7519) with HMAC SHA-256."""
    signed = ".".join(encode(json.dumps(each).encode()) for each in (
        {"alg": "HS256", "typ": "JWT"},
        {"sub": subject, "iat": 1577836800, "exp": expires}))
    return signed + "." + encode(
        hmac.new(key, signed.encode(), hashlib.sha256).digest())


def secret(mechanism):
    return token() if mechanism in TOKENS else PASSWORD


def wrong(mechanism):
    """What a server refuses: another password, a token that is over."""
    return (token(expires=1577836801) if mechanism in TOKENS
            else "x" + PASSWORD)


def write_json(path):
    """For servers that are programs of our own."""
    path.write_text(json.dumps(
        {"user": USER, "password": PASSWORD, "token": token()}))


def url(scheme, mechanism, port):
    """With a mechanism, a URL of somebody who logs in."""
    who = "" if mechanism is None else "%s;AUTH=%s@" % (
        urllib.parse.quote(USER, safe=""), mechanism)
    return "%s://%s127.0.0.1:%d" % (scheme, who, port)
