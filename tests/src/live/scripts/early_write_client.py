"""Connections that end before they begin, and then one whose first request is sent with the end of its handshake, several
times. Each exchange is told as one line of JSON."""
import json
import os
import socket
import ssl

scene = json.loads(os.environ["SCENE"])
server = ("127.0.0.1", scene["port"])
context = ssl.create_default_context(cafile=scene["root"])


def hesitate():
    for _ in range(4):
        with socket.create_connection(server) as line:
            line.shutdown(socket.SHUT_WR)
            assert not line.recv(1)


def ask(host):
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname="a.test")
    answer = b""
    with socket.create_connection(server) as line:
        client = "%s:%d" % line.getsockname()
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                line.sendall(outgoing.read())
                incoming.write(line.recv(65536))
        session.write(request)
        line.sendall(outgoing.read())
        while b"\r\n" not in answer:
            try:
                answer += session.read(65536)
            except ssl.SSLWantReadError:
                incoming.write(line.recv(65536))
    print(json.dumps({
        "client": client, "server": "%s:%d" % server, "sni": "a.test", "host": host, "status": int(answer.split(b" ")[1]),
        "method": "GET", "protocol": "1.1", "pid": os.getpid(),
    }), flush=True)


for host in scene["authorities"]:
    hesitate()
    ask(host)
