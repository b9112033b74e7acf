// A server that answers 421 where the authority is not the SNI.
const http2 = require('node:http2');
const fs = require('node:fs');
const { port, chain, key } = JSON.parse(process.env.SCENE);
const options = { cert: fs.readFileSync(chain), key: fs.readFileSync(key), allowHTTP1: true };
http2.createSecureServer(options, (request, response) => {
  const two = request.httpVersionMajor === 2;
  const socket = two ? request.stream.session.socket : request.socket;
  const host = two ? request.authority : request.headers.host;
  const served = host.split(':')[0] === socket.servername;
  response.writeHead(served ? 200 : 421, { 'content-type': 'text/plain' });
  response.end(served ? 'served\n' : 'another name\n');
}).listen(port, '127.0.0.1');
