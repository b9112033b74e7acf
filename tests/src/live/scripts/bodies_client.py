"""HTTP/1.1 by hand over OpenSSL: bodies of every shape, requests in one write and in many, an upgrade."""
import json
import os
import socket
import ssl

scene = json.loads(os.environ["SCENE"])
marker = scene["marker"].encode()
context = ssl.create_default_context(cafile=scene["root"])


def connect():
    plain = socket.create_connection(("127.0.0.1", scene["port"]), timeout=60)
    return context.wrap_socket(plain, server_hostname="a.test")


def body(size):
    return marker * -(-size // len(marker))


def chunked(content):
    text, at, step = b"", 0, 1
    while at < len(content):
        piece = content[at:at + step]
        text += b"%x;name=value\r\n" % len(piece) + piece + b"\r\n"
        at, step = at + step, step * 3 % 20011
    return text + b"0\r\nx-trailer: " + scene["header"].encode() + b"\r\n\r\n"


def request(target, content, how):
    head = f"POST {target} HTTP/1.1\r\nHost: a.test\r\nX-Told: {scene['header']}\r\n".encode()
    if how == "chunked":
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(content)
    return head + b"Content-Length: %d\r\n\r\n" % len(content) + content


def read_answers(connection, count):
    """Reads whole answers by their framing."""
    stream = connection.makefile("rb")
    for _ in range(count):
        status = int(stream.readline().split()[1])
        fields = {}
        while line := stream.readline().strip():
            name, value = line.decode().lower().split(": ", 1)
            fields[name] = value
        if "transfer-encoding" in fields:
            while length := int(stream.readline(), 16):
                stream.read(length + 2)
            stream.readline()
        elif status != 204:
            stream.read(int(fields["content-length"]))


sizes = [0, 1, 8, 100, 1000, 4095, 4096, 4097, 16383, 16384, 16385, 70000, 300000]
count = 0
for how in ["length", "chunked"]:
    for pieces in [None, 1000, 7]:
        connection = connect()
        for size in sizes if pieces != 7 else sizes[:6]:
            for target in [f"/length/{size}", f"/chunked/{size}", "/empty/0"]:
                text = request(target, body(size), how)
                for at in range(0, len(text), pieces or len(text)):
                    connection.sendall(text[at:at + (pieces or len(text))])
                read_answers(connection, 1)
                count += 1
        connection.close()
# Several requests in one write.
connection = connect()
pipeline = [request(f"/length/{size}", body(size), "chunked") for size in sizes[:7]]
connection.sendall(b"".join(pipeline))
read_answers(connection, len(pipeline))
count += len(pipeline)
connection.close()
# What is no HTTP any more.
connection = connect()
connection.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
answer = b""
while b"\r\n\r\n" not in answer:
    answer += connection.recv(1)
assert b" 101 " in answer, answer
count += 1
connection.sendall(body(5000))
while connection.recv(65536):
    pass
print(json.dumps({"exchanges": count}))
