"""HTTP/1.1 by hand over asyncio, whose TLS works on memory buffers. Each exchange is told as one line of JSON."""
import asyncio
import json
import os
import ssl

scene = json.loads(os.environ["SCENE"])


async def head(reader):
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    return int(lines[0].split(" ")[1]), fields


async def body(reader, method, fields):
    if method == "HEAD":
        return
    if fields.get("transfer-encoding") == "chunked":
        while length := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(length + 2)
        while (await reader.readline()).strip():
            pass
        return
    await reader.readexactly(int(fields.get("content-length", "0")))


async def connect():
    context = ssl.create_default_context(cafile=scene["root"])
    context.check_hostname = scene["sni"] is not None
    name = scene["sni"] or ""
    return await asyncio.open_connection("127.0.0.1", scene["port"], ssl=context, server_hostname=name)


async def main():
    writer = None
    for number, authority in enumerate(scene["authorities"]):
        if writer is None:
            reader, writer = await connect()
            client = "%s:%d" % writer.get_extra_info("sockname")
            ordinal = 0
        ordinal += 1
        method = ["GET", "POST", "HEAD"][number % 3]
        content = b"x" * (1 + number % 5000) if method == "POST" else b""
        request = f"{method} / HTTP/1.1\r\nHost: {authority}\r\n"
        if content:
            request += f"Content-Length: {len(content)}\r\n"
        writer.write(request.encode() + b"\r\n" + content)
        await writer.drain()
        status, fields = await head(reader)
        await body(reader, method, fields)
        print(json.dumps({
            "client": client, "server": f"127.0.0.1:{scene['port']}", "sni": scene["sni"], "host": authority,
            "status": status, "method": method, "protocol": "1.1", "pid": os.getpid(), "stream": ordinal,
        }), flush=True)
        # Apache closes after a 421, and does not always say so.
        if status == 421 or number + 1 == len(scene["authorities"]):
            writer.close()
            await writer.wait_closed()
            writer = None


asyncio.run(main())
