"""HPACK (RFC 7541) for tests: an encoder that writes every field as a literal, so that a test knows each
byte it sends, and a whole decoder, since a peer may use all of it. Written apart from the proxy's, so
that a test does not believe what the code under test believes."""

STATIC = [tuple(entry.partition("=")[::2]) for entry in """\
:authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|\
:status=204|:status=206|:status=304|:status=400|:status=404|:status=500|accept-charset|\
accept-encoding=gzip, deflate|accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|\
authorization|cache-control|content-disposition|content-encoding|content-language|content-length|\
content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|if-match|\
if-modified-since|if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|\
proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|server|set-cookie|\
strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate""".split("|")]

# Lengths in bits of the codes of bytes 0 to 255 (RFC 7541, appendix B), as letters: A is 5, Z is 30. The
# code is canonical, so the lengths tell it whole.
LENGTHS = ("ISXXXXXXXTZXXZXXXXXXXXZXXXXXXXXXBFFHIBDGFFDGDBBBAAABBBBBBBCDKBHFIBCCCCCCCCCCCCCCCCCCCCCCDCDIOIJB"
           "KABABABBBACCBBBABCBAABCCCCCKGJIXPRPPRRRSRSSSSSTSTTRSTSSSSQRSRSSTRQPRRSSQSRRTQRSSQQRQSRSSPRRRSRRS"
           "VVPORSRUVVVWWVTUOQVWWVWTQQVVXWWWPTPQRQQSRRUUTTVSVWVVWWWWWXWWWWWV")


def huffman_codes():
    """{(length, code): byte}."""
    codes, code, before = {}, 0, 5
    for length, symbol in sorted((ord(letter) - ord("A") + 5, symbol) for symbol, letter in enumerate(LENGTHS)):
        code <<= length - before
        codes[length, code] = symbol
        code, before = code + 1, length
    return codes


HUFFMAN = huffman_codes()


def huffman_decode(data):
    out, code, length = bytearray(), 0, 0
    for byte in data:
        for shift in range(7, -1, -1):
            code, length = code << 1 | byte >> shift & 1, length + 1
            symbol = HUFFMAN.get((length, code))
            if symbol is not None:
                out.append(symbol)
                code, length = 0, 0
    if length > 7 or code != (1 << length) - 1:
        raise ValueError("bad padding of a Huffman string")
    return bytes(out)


def integer(value, prefix_bits, first=0):
    """A value with a prefix of some bits, the rest of whose byte is `first`."""
    limit = (1 << prefix_bits) - 1
    if value < limit:
        return bytes([first | value])
    out, value = bytearray([first | limit]), value - limit
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(value):
    raw = value if isinstance(value, bytes) else value.encode("latin-1")
    return integer(len(raw), 7) + raw


def literal(name, value, indexing=False):
    """A field as a literal with a literal name; with `indexing` the peer is to store it."""
    return (b"\x40" if indexing else b"\x00") + text(name) + text(value)


def indexed(index):
    return integer(index, 7, 0x80)


def encode(fields):
    return b"".join(literal(name, value) for name, value in fields)


class Decoder:
    """The state of one direction of a connection."""

    def __init__(self, limit=4096):
        self.limit = self.size = limit
        self.entries = []

    def entry(self, index):
        if index == 0:
            raise ValueError("index 0")
        return STATIC[index - 1] if index <= len(STATIC) else self.entries[index - 1 - len(STATIC)]

    def store(self, field):
        self.entries.insert(0, field)
        self.evict()

    def evict(self):
        while sum(len(name) + len(value) + 32 for name, value in self.entries) > self.size:
            self.entries.pop()

    def decode(self, block):
        self.block, self.at, fields = block, 0, []
        while self.at < len(block):
            first = block[self.at]
            if first & 0x80:
                fields.append(self.entry(self.integer(7)))
            elif first & 0xe0 == 0x20:
                self.size = self.integer(5)
                if self.size > self.limit:
                    raise ValueError("table grows beyond what was allowed")
                self.evict()
            else:
                stored = bool(first & 0x40)
                index = self.integer(6 if stored else 4)
                name = self.entry(index)[0] if index else self.string()
                field = (name, self.string())
                fields.append(field)
                if stored:
                    self.store(field)
        return fields

    def integer(self, bits):
        limit = (1 << bits) - 1
        value = self.block[self.at] & limit
        self.at += 1
        shift = 0
        while value >= limit:
            byte = self.block[self.at]
            self.at += 1
            value += (byte & 127) << shift
            shift += 7
            if not byte & 128:
                break
        return value

    def string(self):
        huffman = self.block[self.at] & 0x80
        size = self.integer(7)
        raw = self.block[self.at:self.at + size]
        self.at += size
        if len(raw) < size:
            raise ValueError("a string is cut short")
        return (huffman_decode(raw) if huffman else raw).decode("latin-1")
