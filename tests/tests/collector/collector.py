"""Collects traces over TLS from clients with a certificate, and writes each span as a line of JSON."""

import concurrent.futures
import gzip
import http.server
import json
import os
import ssl
import threading

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.trace.v1 import trace_pb2 as trace

scene = json.loads(os.environ["SCENE"])
writing = threading.Lock()


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(element) for element in any_value.array_value.values]
    return getattr(any_value, kind) if kind else None


def attributes(pairs):
    return {pair.key: value(pair.value) for pair in pairs}


def collect(request):
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                line = json.dumps({
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent_span_id": span.parent_span_id.hex(),
                    "name": span.name,
                    "kind": trace.Span.SpanKind.Name(span.kind),
                    "start": span.start_time_unix_nano,
                    "end": span.end_time_unix_nano,
                    "status": trace.Status.StatusCode.Name(span.status.code),
                    "attributes": attributes(span.attributes),
                    "links": [[link.trace_id.hex(), link.span_id.hex(), link.flags & 0xff] for link in span.links],
                    "resource": attributes(resource.resource.attributes),
                    "scope": scope.scope.name,
                })
                with writing:
                    print(line, flush=True)
    return service.ExportTraceServiceResponse()


def serve_grpc():
    import grpc
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as stubs

    class Servicer(stubs.TraceServiceServicer):
        def Export(self, request, context):
            return collect(request)

    read = lambda name: open(scene[name], "rb").read()
    credentials = grpc.ssl_server_credentials(
        [(read("key"), read("chain"))], root_certificates=read("root"), require_client_auth=True
    )
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=2))
    stubs.add_TraceServiceServicer_to_server(Servicer(), server)
    port = server.add_secure_port("localhost:0", credentials)
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        right = self.path == "/v1/traces" and self.headers["content-type"] == "application/x-protobuf"
        answer = b""
        if right:
            answer = collect(service.ExportTraceServiceRequest.FromString(body)).SerializeToString()
        self.send_response(200 if right else 404)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def serve_http():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=scene["root"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(scene["chain"], scene["key"])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.serve_forever()


serve_grpc() if scene["protocol"] == "grpc" else serve_http()
