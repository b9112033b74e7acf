"""HTTP/1.1 by hand over OpenSSL on a socket, as few clients write it. Each exchange is told as one line of JSON."""
import json
import os
import socket
import ssl

scene = json.loads(os.environ["SCENE"])
context = ssl.create_default_context(cafile=scene["root"])
CRLF = "\r\n"


def head(method, path, host, *fields):
    return CRLF.join([f"{method} {path} HTTP/1.1", f"Host: {host}", *fields, "", ""]).encode()


class Connection:
    def __init__(self):
        self.session = context.wrap_socket(socket.create_connection(("127.0.0.1", scene["port"])), server_hostname="a.test")
        self.stream = self.session.makefile("rb")
        self.client = "%s:%d" % self.session.getsockname()
        self.ordinal = 0

    def send(self, *pieces):
        for piece in pieces:
            self.session.sendall(piece)

    def status(self):
        status = int(self.stream.readline().split(b" ")[1])
        self.fields = {}
        while line := self.stream.readline().decode().strip():
            name, value = line.lower().split(": ", 1)
            self.fields[name] = value
        return status

    def answer(self, method, host):
        status = self.status()
        while status in (100, 103):
            status = self.status()
        if self.fields.get("transfer-encoding") == "chunked":
            while size := int(self.stream.readline().split(b";")[0], 16):
                self.stream.read(size + 2)
            while self.stream.readline().strip():
                pass
        elif method != "HEAD" and status not in (204, 304):
            self.stream.read(int(self.fields["content-length"])) if "content-length" in self.fields else self.stream.read()
        self.ordinal += 1
        print(json.dumps({
            "client": self.client, "server": f"127.0.0.1:{scene['port']}", "sni": "a.test", "host": host,
            "status": status, "method": method, "protocol": "1.1", "pid": os.getpid(), "stream": self.ordinal,
        }), flush=True)

    def ask(self, method, path, host, *fields):
        self.send(head(method, path, host, *fields))
        self.answer(method, host)

    def close(self):
        self.stream.close()
        self.session.close()


def pipelined(one):
    asked = [("GET", "/", "a.test"), ("HEAD", "/", "b.test"), ("GET", "/204", "c.test"), ("HEAD", "/304", "d.test"),
             ("GET", "/chunked", "a.test"), ("GET", "/304", "b.test"), ("GET", "/", "c.test")]
    one.send(b"".join(head(*each) for each in asked))
    for method, _, host in asked:
        one.answer(method, host)


def continued(one):
    one.send(head("POST", "/continue", "b.test", "Expect: 100-continue", "Content-Length: 4000"))
    assert one.status() == 100
    one.send(b"GET / HTTP/1.1\r\nHost: x.test\r\n\r\n".ljust(4000, b"x"))
    one.answer("POST", "b.test")
    one.ask("GET", "/", "a.test")


def chunked(one):
    one.send(head("POST", "/chunked", "b.test", "Transfer-Encoding: chunked", "Trailer: X"))
    one.send(b"5\r\nhello\r\n", b"20;a=b\r\n" + b"GET / HTTP/1.1\r\nHost: x.test\r\n\r\n".ljust(32, b"x") + b"\r\n", b"0\r\n", b"X: y\r\n\r\n")
    one.answer("POST", "b.test")
    one.ask("GET", "/chunked", "c.test")


def empty(one):
    for path, host in [("/204", "a.test"), ("/304", "b.test"), ("/204", "c.test"), ("/", "d.test")]:
        one.ask("GET", path, host)


def until_close(one):
    one.ask("GET", "/", "a.test")
    one.ask("GET", "/until-close", "b.test")


def early(one):
    content = b"GET / HTTP/1.1\r\nHost: x.test\r\n\r\n".ljust(60000, b"y")
    one.send(head("POST", "/early", "b.test", f"Content-Length: {len(content)}"), content[:10])
    one.answer("POST", "b.test")
    one.send(content[10:])
    one.ask("GET", "/", "c.test")


def large(one):
    cookie = "Cookie: " + "c" * 20480
    one.ask("GET", "/", "b.test", cookie)
    one.send(head("GET", "/", "c.test", cookie) + head("GET", "/204", "d.test", cookie))
    one.answer("GET", "c.test")
    one.answer("GET", "d.test")


def bytewise(one):
    for method, path, host in [("GET", "/bytes", "b.test"), ("HEAD", "/", "c.test"), ("GET", "/bytes", "a.test")]:
        one.send(*(bytes([byte]) for byte in head(method, path, host)))
        one.answer(method, host)


def pieces(one):
    for size in (2, 3, 7, 16, 63):
        whole = head("GET", "/", f"host{size}.test", "Cookie: " + "c" * 200)
        one.send(*(whole[at:at + size] for at in range(0, len(whole), size)))
        one.answer("GET", f"host{size}.test")


one = Connection()
globals()[scene["edge"]](one)
one.close()
