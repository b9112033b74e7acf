"""The requests library over one connection. Each exchange is told as one line of JSON."""
import json
import os
import socket

import requests
import urllib3

scene = json.loads(os.environ["SCENE"])
local = None
ordinal = 0


def connect(address, *arguments, **options):
    global local, ordinal
    connection = socket.create_connection(("127.0.0.1", scene["port"]))
    local = "%s:%d" % connection.getsockname()
    ordinal = 0
    return connection


urllib3.util.connection.create_connection = connect
session = requests.Session()
session.trust_env = False
session.verify = scene["root"]
url = f"https://{scene['sni'] or '127.0.0.1'}:{scene['port']}/"
for number, authority in enumerate(scene["authorities"]):
    method = ["GET", "POST", "HEAD"][number % 3]
    content = b"x" * (1 + number % 5000) if method == "POST" else None
    answer = session.request(method, url, headers={"Host": authority}, data=content, allow_redirects=False)
    ordinal += 1
    print(json.dumps({
        "client": local, "server": f"127.0.0.1:{scene['port']}", "sni": scene["sni"], "host": authority,
        "status": answer.status_code, "method": method, "protocol": "1.1", "pid": os.getpid(), "stream": ordinal,
    }), flush=True)
    if answer.status_code == 421:
        # Apache closes, and does not always say so: the next request is for another connection.
        session.close()
session.close()
