"""DIMSE by hand: units as they are wanted, right or wrong, over a socket. PS3.7 §6, PS3.8 §9.3."""
import socket
import struct

VERIFICATION = '1.2.840.10008.1.1'
CT = '1.2.840.10008.5.1.4.1.1.2'
EXPLICIT, IMPLICIT, DEFLATED = '1.2.840.10008.1.2.1', '1.2.840.10008.1.2', '1.2.840.10008.1.2.1.99'
ACCEPT, REJECT, DATA, RELEASE, RELEASED, ABORT = 2, 3, 4, 5, 6, 7


def unit(kind, body, length=None):
    return struct.pack('>BBI', kind, 0, len(body) if length is None else length) + body


def item(kind, body):
    return struct.pack('>BBH', kind, 0, len(body)) + body


def associate(contexts, calling='BADINPUT', called='CAUSEWAY', max_length=16384, identity=b''):
    """An association request; `contexts` are pairs of abstract syntax and transfer syntaxes."""
    body = struct.pack('>HH', 1, 0) + called.encode().ljust(16) + calling.encode().ljust(16) + bytes(32)
    body += item(0x10, b'1.2.840.10008.3.1.1.1')
    for number, (abstract, syntaxes) in enumerate(contexts):
        inner = item(0x30, abstract.encode()) + b''.join(item(0x40, syntax.encode()) for syntax in syntaxes)
        body += item(0x20, struct.pack('>BBBB', 2 * number + 1, 0, 0, 0) + inner)
    user = item(0x51, struct.pack('>I', max_length)) + item(0x52, b'1.2.3.4') + identity
    return unit(1, body + item(0x50, user))


def command(elements):
    """A command set: pairs of element number and value."""
    body = b''
    for number, value in sorted(elements.items()):
        if isinstance(value, int):
            value = struct.pack('<H', value)
        elif isinstance(value, str):
            value = value.encode() + b'\0' * (len(value) % 2)
        body += struct.pack('<HHI', 0, number, len(value)) + value
    return struct.pack('<HHII', 0, 0, 4, len(body)) + body


def value(context, of_command, is_last, data):
    """A presentation data value."""
    return struct.pack('>IBB', len(data) + 2, context, (1 if of_command else 0) | (2 if is_last else 0)) + data


def echo_request(message=1):
    return command({0x0002: VERIFICATION, 0x0100: 0x0030, 0x0110: message, 0x0800: 0x0101})


def store_request(sop_class, instance, message=1):
    return command({0x0002: sop_class, 0x0100: 0x0001, 0x0110: message, 0x0700: 0, 0x0800: 0, 0x1000: instance})


class Connection:
    """A connection to the gateway's DICOM port."""

    def __init__(self, port, seconds=10):
        self.socket = socket.create_connection(('127.0.0.1', port), seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.socket.close()

    def send(self, content):
        """Sends; a peer that has hung up is no fault here."""
        try:
            self.socket.sendall(content)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def receive(self):
        """The next unit as kind and body; kind 0 if the connection has ended."""
        head = self._read(6)
        if len(head) < 6:
            return 0, b''
        kind, _, length = struct.unpack('>BBI', head)
        return kind, self._read(length)

    def _read(self, length):
        content = b''
        while len(content) < length:
            try:
                piece = self.socket.recv(length - len(content))
            except ConnectionResetError:
                break
            if not piece:
                break
            content += piece
        return content

    def associated(self, contexts, **options):
        """Whether an association request with these contexts is accepted."""
        self.send(associate(contexts, **options))
        return self.receive()[0] == ACCEPT

    def message(self, context, request, data=None):
        """Sends a command, and its data set in pieces."""
        self.send(unit(DATA, value(context, True, True, request)))
        if data is None:
            return
        pieces = [data[at:at + 16000] for at in range(0, len(data), 16000)] or [b'']
        for number, piece in enumerate(pieces):
            self.send(unit(DATA, value(context, False, number == len(pieces) - 1, piece)))

    def status(self):
        """The status of the next response; None if there is none."""
        kind, body = self.receive()
        if kind != DATA:
            return None
        at = body.find(struct.pack('<HHI', 0, 0x0900, 2))
        return struct.unpack_from('<H', body, at + 8)[0] if at >= 0 else None
