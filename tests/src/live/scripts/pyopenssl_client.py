"""HTTP/1.1 by hand over pyOpenSSL, whose OpenSSL is linked into the package `cryptography`. Every other connection speaks TLS
1.2. The script writes one line of JSON for each exchange."""
import json
import os
import socket
import sys

from OpenSSL import SSL

scene = json.loads(os.environ["SCENE"])


def connect(version):
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(version)
    connection = socket.create_connection(("127.0.0.1", scene["port"]))
    session = SSL.Connection(context, connection)
    if scene["sni"] is not None:
        session.set_tlsext_host_name(scene["sni"].encode())
    session.set_connect_state()
    session.do_handshake()
    return connection, session


def answer(session):
    received = b""
    while b"\r\n\r\n" not in received:
        received += session.recv(1000)
    head, body = received.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    while len(body) < int(fields.get("content-length", "0")):
        body += session.recv(1000)
    return int(lines[0].split(" ")[1])


print("loaded", flush=True)
# An agent that is to see its first connection needs to have seen the library.
sys.stdin.readline()
connection = None
versions = [SSL.TLS1_3_VERSION, SSL.TLS1_2_VERSION]
for number, authority in enumerate(scene["authorities"]):
    if connection is None:
        connection, session = connect(versions[0])
        versions.reverse()
        ordinal = 0
    ordinal += 1
    session.sendall(f"GET / HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    status = answer(session)
    print(json.dumps({
        "client": "%s:%d" % connection.getsockname(), "server": f"127.0.0.1:{scene['port']}", "sni": scene["sni"],
        "host": authority, "status": status, "method": "GET", "protocol": "1.1", "pid": os.getpid(), "stream": ordinal,
    }), flush=True)
    # Some servers close after a 421.
    if status == 421 or number + 1 == len(scene["authorities"]):
        session.shutdown()
        session.close()
        connection = None
