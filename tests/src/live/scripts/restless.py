"""Does what must not be broken by being traced: talks TLS while it loads and unloads libraries, forks and execs."""
import ctypes
import _ctypes
import json
import os
import socket
import ssl
import sys
import threading

scene = json.loads(os.environ["SCENE"])
context = ssl.create_default_context(cafile=scene["root"])


def talk(times):
    for _ in range(times):
        plain = socket.create_connection(("127.0.0.1", scene["port"]), timeout=60)
        with context.wrap_socket(plain, server_hostname="a.test") as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200 "), answer


def load_and_unload(times):
    for _ in range(times):
        for name in ["libcrypto.so.3", "libssl.so.3"]:
            library = ctypes.CDLL(os.path.join(scene["libraries"], name), mode=ctypes.RTLD_LOCAL)
            if name == "libssl.so.3":
                library.TLS_method.restype = ctypes.c_void_p
                library.SSL_CTX_new.restype = ctypes.c_void_p
                library.SSL_new.restype = ctypes.c_void_p
                method = ctypes.c_void_p(library.TLS_method())
                holder = ctypes.c_void_p(library.SSL_CTX_new(method))
                one = ctypes.c_void_p(library.SSL_new(holder))
                # Calls that fail, through every function that may be watched.
                buffer = ctypes.create_string_buffer(64)
                assert library.SSL_read(one, buffer, 64) <= 0
                assert library.SSL_write(one, buffer, 64) <= 0
                library.SSL_free(one)
                library.SSL_CTX_free(holder)
            _ctypes.dlclose(library._handle)


def fork_and_exec(times):
    for number in range(times):
        child = os.fork()
        if child == 0:
            try:
                if number % 2:
                    os.execv(sys.executable, [sys.executable, "-c", "import ssl; ssl.create_default_context()"])
                talk(1)
                os._exit(0)
            except BaseException:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0, number


failed = []


def guarded(function, times):
    try:
        function(times)
    except BaseException as error:
        failed.append(error)


loading = threading.Thread(target=guarded, args=(load_and_unload, 200))
loading.start()
guarded(talk, 40)
loading.join()
guarded(fork_and_exec, 20)
if failed:
    raise failed[0]
print("unharmed")
