"""The wire format of protobuf, taken apart without knowing the message: enough to look at what collectors are sent."""

import struct


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if not byte & 0x80:
            return value, at


def fields(data):
    """{field number: [values]}: numbers as int, all else as bytes."""
    data, at, found = bytes(data), 0, {}
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        elif kind == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        elif kind == 5:
            value, at = struct.unpack_from("<I", data, at)[0], at + 4
        else:
            raise ValueError(f"wire type {kind}")
        found.setdefault(key >> 3, []).append(value)
    return found


def one(message, *path):
    """The last value at a path of field numbers, or None."""
    for number in path:
        values = fields(message).get(number)
        if not values:
            return None
        message = values[-1]
    return message


def attributes(entries):
    """A dict of OpenTelemetry's KeyValue messages with texts."""
    return {one(entry, 1).decode(): (one(entry, 2, 1) or b"").decode() for entry in entries}
