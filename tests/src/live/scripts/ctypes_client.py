"""HTTP/1.1 through the C functions of any OpenSSL, called by their names. Each exchange is told as one line of JSON."""
import ctypes
import json
import os
import socket
import sys

scene = json.loads(os.environ["SCENE"])
ctypes.CDLL(scene["libcrypto"], mode=ctypes.RTLD_GLOBAL)
ssl = ctypes.CDLL(scene["libssl"], mode=ctypes.RTLD_GLOBAL)

pointer, number = ctypes.c_void_p, ctypes.c_int
for name, result, arguments in [
    ("TLS_client_method", pointer, []),
    ("SSL_CTX_new", pointer, [pointer]),
    ("SSL_new", pointer, [pointer]),
    ("SSL_set_fd", number, [pointer, number]),
    ("SSL_connect", number, [pointer]),
    ("SSL_write", number, [pointer, ctypes.c_char_p, number]),
    ("SSL_read", number, [pointer, ctypes.c_char_p, number]),
    ("SSL_shutdown", number, [pointer]),
    ("SSL_free", None, [pointer]),
]:
    function = getattr(ssl, name)
    function.restype, function.argtypes = result, arguments


def name_server(session, name):
    # A macro of OpenSSL's, and a function of BoringSSL's.
    if hasattr(ssl, "SSL_set_tlsext_host_name"):
        ssl.SSL_set_tlsext_host_name.argtypes = [pointer, ctypes.c_char_p]
        return ssl.SSL_set_tlsext_host_name(session, name)
    ssl.SSL_ctrl.argtypes = [pointer, number, ctypes.c_long, ctypes.c_char_p]
    return ssl.SSL_ctrl(session, 55, 0, name)


def connect():
    connection = socket.create_connection(("127.0.0.1", scene["port"]))
    session = ssl.SSL_new(context)
    assert ssl.SSL_set_fd(session, connection.fileno()) == 1
    if scene["sni"] is not None:
        assert name_server(session, scene["sni"].encode()) == 1
    assert ssl.SSL_connect(session) == 1, "no handshake"
    return connection, session


def read(session, received):
    buffer = ctypes.create_string_buffer(1000)
    count = ssl.SSL_read(session, buffer, len(buffer))
    assert count > 0, f"SSL_read: {count}"
    return received + buffer.raw[:count]


def answer(session):
    received = b""
    while b"\r\n\r\n" not in received:
        received = read(session, received)
    head, body = received.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    while len(body) < int(fields.get("content-length", "0")):
        body = read(session, body)
    return int(lines[0].split(" ")[1])


context = ssl.SSL_CTX_new(ssl.TLS_client_method())
print("loaded", flush=True)
# An agent that is to see its first connection needs to have seen the library.
sys.stdin.readline()
connection = None
for number_of, authority in enumerate(scene["authorities"]):
    if connection is None:
        connection, session = connect()
        ordinal = 0
    ordinal += 1
    request = f"GET / HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode()
    assert ssl.SSL_write(session, request, len(request)) == len(request)
    status = answer(session)
    print(json.dumps({
        "client": "%s:%d" % connection.getsockname(), "server": f"127.0.0.1:{scene['port']}", "sni": scene["sni"],
        "host": authority, "status": status, "method": "GET", "protocol": "1.1", "pid": os.getpid(), "stream": ordinal,
    }), flush=True)
    # Some servers close after a 421.
    if status == 421 or number_of + 1 == len(scene["authorities"]):
        ssl.SSL_shutdown(session)
        ssl.SSL_free(session)
        connection.close()
        connection = None
