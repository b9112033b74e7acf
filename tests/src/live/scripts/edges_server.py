"""An HTTP/1.1 server over OpenSSL that does what few do. Each exchange is told as one line of JSON; the path says how
it is to be answered."""
import json
import os
import socket
import ssl
import threading

scene = json.loads(os.environ["SCENE"])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(scene["chain"], scene["key"])
names = {}
context.sni_callback = lambda session, name, _: names.__setitem__(session, name)
lock = threading.Lock()


def body(stream, fields):
    if fields.get("transfer-encoding") == "chunked":
        while size := int(stream.readline().split(b";")[0], 16):
            stream.read(size + 2)
        while stream.readline().strip():
            pass
    else:
        stream.read(int(fields.get("content-length", "0")))


def send(session, *pieces):
    for piece in pieces:
        session.sendall(piece)


def answer(session, stream, method, path, fields):
    """The status, and whether the connection goes on."""
    if path == "/continue":
        send(session, b"HTTP/1.1 100 Continue\r\n\r\n")
        body(stream, fields)
        send(session, b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
        return 201, True
    if path == "/early":
        # The body is still to come.
        send(session, b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
        body(stream, fields)
        return 413, True
    body(stream, fields)
    if path == "/chunked":
        send(session, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n", b"3;x=y\r\nabc\r\n",
             b"13\r\nHTTP/1.1 500 Wrong\n\r\n", b"0\r\nX: y\r\n\r\n")
        return 200, True
    if path == "/204":
        send(session, b"HTTP/1.1 204 No Content\r\n\r\n")
        return 204, True
    if path == "/304":
        send(session, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n")
        return 304, True
    if path == "/until-close":
        send(session, b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 500 Wrong\r\n\r\n" * 3)
        return 200, False
    if path == "/bytes":
        head = b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 2\r\n\r\nno"
        send(session, *(bytes([byte]) for byte in head))
        return 421, True
    content = b"" if method == "HEAD" else b"hello"
    send(session, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + content)
    return 200, True


def serve(connection, client):
    with context.wrap_socket(connection, server_side=True) as session:
        stream = session.makefile("rb")
        goes_on, ordinal = True, 0
        while goes_on and (line := stream.readline()):
            method, path, _ = line.decode().split(" ")
            fields = {}
            while line := stream.readline().decode().strip():
                name, value = line.lower().split(": ", 1)
                fields[name] = value
            ordinal += 1
            status, goes_on = answer(session, stream, method, path, fields)
            row = {
                "client": "%s:%d" % client, "server": f"127.0.0.1:{scene['port']}", "sni": names.get(session),
                "host": fields["host"], "status": status, "method": method, "protocol": "1.1", "pid": os.getpid(),
                "stream": ordinal,
            }
            with lock, open(scene["log"], "a") as log:
                log.write(json.dumps(row) + "\n")


def attend(connection, client):
    try:
        serve(connection, client)
    except (OSError, ssl.SSLError):
        # Somebody looked whether it listens.
        pass


listener = socket.create_server(("127.0.0.1", scene["port"]), backlog=64)
while True:
    threading.Thread(target=attend, args=listener.accept(), daemon=True).start()
