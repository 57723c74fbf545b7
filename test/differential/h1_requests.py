"""Requests of HTTP/1.1 as bytes, and the names of what the origin answers."""


def get(path="/", *headers, host="test.example", method="GET"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def raw(text):
    return text.encode("latin-1")


def post(headers, body):
    return raw("POST /p HTTP/1.1\r\nHost: h\r\n" + "".join(h + "\r\n" for h in headers) + "\r\n" + body)


RESPONSE_SCRIPTS = (
    "chunked", "trailers", "204", "304", "304-length", "404", "500", "503", "until-close", "says-close", "http10",
    "103", "100", "close", "reset", "cut-head", "cut-body", "cut-chunk", "two-lengths", "same-lengths",
    "length-and-chunked", "bad-status", "no-reason", "no-reason-space", "bad-chunk", "fold", "nul", "bare-lf",
    "garbage", "extra", "many-headers", "large-head", "hop", "cookies", "server", "upgrade")
