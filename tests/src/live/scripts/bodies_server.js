// A server whose answers carry a marker in bodies of every shape, and which takes bodies of every shape.
const http2 = require('node:http2');
const fs = require('node:fs');
const scene = JSON.parse(process.env.SCENE);
const options = { cert: fs.readFileSync(scene.chain), key: fs.readFileSync(scene.key), allowHTTP1: true };
const text = (size) => scene.marker.repeat(Math.ceil(size / scene.marker.length));
const server = http2.createSecureServer(options, (request, response) => {
  request.resume();
  request.on('end', () => {
    const size = Number(request.url.split('/').pop());
    const body = text(size);
    response.setHeader('x-told', scene.header);
    if (request.url.startsWith('/length')) {
      response.setHeader('content-length', body.length);
      response.end(body);
    } else if (request.url.startsWith('/empty')) {
      response.writeHead(204);
      response.end();
    } else {
      // Chunks of every size, and one alone at the end.
      for (let at = 0, step = 1; at < body.length; at += step, step = (step * 3) % 20011) {
        response.write(body.slice(at, at + step));
      }
      response.end(scene.marker);
    }
  });
});
server.on('connect', () => {});
server.on('upgrade', (request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n');
  socket.on('data', () => socket.end(text(5000)));
});
server.listen(scene.port, '127.0.0.1');
