# Python's requests: the server name comes from the URL, whatever the Host is.
import json, os, socket, sys
import requests

scene = json.loads(os.environ["SCENE"])
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: resolve("127.0.0.1", *rest, **more)
requests.packages.urllib3.disable_warnings()
statuses = []
for step in scene["steps"]:
    # An address is in no certificate.
    verify = scene["root"] if step["verify"] else False
    answer = requests.get(step["url"], headers={"Host": step["host"]}, verify=verify)
    statuses.append(answer.status_code)
print(json.dumps(statuses))
