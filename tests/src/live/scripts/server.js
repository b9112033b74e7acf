// A server that speaks HTTP/1.1 and HTTP/2 and tells each exchange as one line of JSON.
const http2 = require('node:http2');
const fs = require('node:fs');
const scene = JSON.parse(process.env.SCENE);
const options = { cert: fs.readFileSync(scene.chain), key: fs.readFileSync(scene.key), allowHTTP1: true };
const counts = new WeakMap();
const server = http2.createSecureServer(options, (request, response) => {
  const two = request.httpVersionMajor === 2;
  const socket = two ? request.stream.session.socket : request.socket;
  const host = two ? request.authority : request.headers.host;
  const status = scene.refused.includes(host.split(':')[0]) ? 421 : 200;
  let ordinal = two ? request.stream.id : (counts.get(socket) ?? 0) + 1;
  if (!two) counts.set(socket, ordinal);
  const line = JSON.stringify({
    client: `${socket.remoteAddress}:${socket.remotePort}`,
    server: `127.0.0.1:${scene.port}`,
    sni: socket.servername || null,
    host,
    status,
    method: request.method,
    protocol: request.httpVersion,
    pid: process.pid,
    stream: ordinal,
  });
  request.resume();
  request.on('end', () => {
    response.writeHead(status, { 'content-type': 'text/plain' });
    response.end(`${host}\n`);
    console.log(line);
  });
});
server.listen(scene.port, '127.0.0.1');
