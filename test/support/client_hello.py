"""ClientHellos by hand (RFC 8446, section 4.1.2), for what looks at them before any handshake."""

import hashlib
import struct


def numbers(*values):
    return b"".join(struct.pack(">H", value) for value in values)


def counted(size, part):
    return len(part).to_bytes(size, "big") + part


def extension(kind, data=b""):
    return numbers(kind) + counted(2, data)


def server_name(name):
    return extension(0, counted(2, b"\0" + counted(2, name)))


def protocols(*names):
    return extension(16, counted(2, b"".join(counted(1, name) for name in names)))


def hello(ciphers, extensions, version=0x0303):
    body = numbers(version) + b"r" * 32 + counted(1, b"s" * 32) + counted(2, numbers(*ciphers)) + counted(1, b"\0")
    return b"\x16\3\1" + counted(2, b"\1" + counted(3, body + counted(2, extensions)))


def chrome(name, grease=0x1a1a):
    """As Chrome 103 sends it; its JA4 is public. `grease`: what it puts in at random (RFC 8701)."""
    ciphers = (grease, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x9c, 0x9d,
               0x2f, 0x35)
    algorithms = numbers(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)
    return hello(ciphers, extension(grease) + server_name(name) + extension(0x17) + extension(0xff01, b"\0") +
                 extension(10, counted(2, numbers(grease, 29, 23, 24))) + extension(11, counted(1, b"\0")) + extension(35) +
                 protocols(b"h2", b"http/1.1") + extension(5, b"\1\0\0\0\0") + extension(13, counted(2, algorithms)) +
                 extension(18) + extension(51, counted(2, numbers(29) + counted(2, b"k" * 32))) + extension(45, b"\1\1") +
                 extension(43, counted(1, numbers(grease, 0x0304, 0x0303))) + extension(27, b"\2\0\2") +
                 extension(0x4469, counted(2, b"\2h2")) + extension(grease ^ 0x1010, b"\0") + extension(21, b"\0" * 10))


def chrome_ja3(grease):
    """As Envoy has it: with the random value among the groups, so that there are sixteen."""
    text = ("771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,"
            f"0-23-65281-10-11-35-16-5-13-18-51-45-43-27-17513-21,{grease}-29-23-24,0")
    return hashlib.md5(text.encode()).hexdigest()


CHROME_JA4 = "t13d1516h2_8daaf6152771_e5627efa2ab1"
