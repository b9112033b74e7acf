"""Asks Helm, or the schemas of the Kubernetes API, what standard input says, and answers in JSON."""

import json
import sys

import yaml
from helm_python import chart as helm


class Loader(yaml.SafeLoader):
    """Refuses what YAML leaves open and every reader of it takes differently: a key that is there twice."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"twice: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)


def documents(text):
    return [document for document in yaml.load_all(text, Loader) if document is not None]


def render(request):
    chart = helm.Chart.load(request["chart"])
    files = chart.render(request["values"], name="wrongdoor", namespace="wrongdoor", is_install=True)
    notes = [text for name, text in files.items() if name.endswith("NOTES.txt")]
    texts = [files[name] for name in sorted(files) if not name.endswith("NOTES.txt") and files[name].strip()]
    objects = [document for text in texts for document in documents(text)]
    return {"objects": objects, "notes": notes[0], "texts": texts}


def validate(request):
    """Strictly: a field that the API does not know is an error, and is named."""
    import kubernetes_validate

    said = []
    for thing in request["argument"]:
        name = f"{thing['kind']} {thing['metadata']['name']}"
        if thing["apiVersion"] in OPERATORS:
            said += [f"{name}: {line}" for line in operators(thing)]
            continue
        try:
            kubernetes_validate.validate(thing, request["version"], strict=True)
        except Exception as error:
            said.append(f"{name}: {getattr(error, 'message', error)}")
    return said


def check(request):
    """Lints and validates the chart with each of many values, and says what is wrong with which."""
    said = []
    for name, values in request["argument"]:
        report = helm.lint(request["chart"], values, strict=True, namespace="wrongdoor")
        # A chart without an icon is an information.
        said += [f"{name}: {message['error']}" for message in report["messages"] if message["severity"] > 1]
        objects = render({**request, "values": values})["objects"]
        for version in request["versions"]:
            lines = validate({"argument": objects, "version": version})
            said += [f"{name}, {version}: {line}" for line in lines]
    return said


# What the chart uses of custom resources, by the types of the Prometheus Operator 0.8x (pkg/apis/monitoring/v1) and of
# OpenShift 4 (security/v1). Written for this test, so that a field that is spelled wrong is no field.
STRING, BOOLEAN = {"type": "string"}, {"type": "boolean"}
STRINGS = {"type": "array", "items": STRING}
LABELS = {"type": "object", "additionalProperties": STRING}


def fields(required=(), **properties):
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name.rstrip("_"): schema for name, schema in properties.items()},
        "required": list(required),
    }


def items(schema):
    return {"type": "array", "items": schema, "minItems": 1}


DURATION = {"type": "string", "pattern": "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$"}
KEY = fields(["name", "key"], name=STRING, key=STRING, optional=BOOLEAN)
EITHER = fields(secret=KEY, configMap=KEY)
RELABELING = fields(
    sourceLabels=STRINGS, separator=STRING, targetLabel=STRING, regex=STRING,
    modulus={"type": "integer"}, replacement=STRING, action=STRING,
)
ENDPOINT = fields(
    ["port"], port=STRING, path=STRING, scheme={"enum": ["http", "https", "HTTP", "HTTPS"]}, honorLabels=BOOLEAN,
    interval=DURATION, scrapeTimeout=DURATION, relabelings=items(RELABELING), metricRelabelings=items(RELABELING),
    tlsConfig=fields(ca=EITHER, cert=EITHER, keySecret=KEY, serverName=STRING, insecureSkipVerify=BOOLEAN),
    authorization=fields(type=STRING, credentials=KEY),
)
SELECTOR = fields(["matchLabels"], matchLabels=LABELS)
NUMBER_OR_STRING = {"type": ["integer", "string"]}
RULE = fields(
    ["expr"], record=STRING, alert=STRING, expr=NUMBER_OR_STRING, for_=DURATION, keep_firing_for=DURATION,
    labels=LABELS, annotations=LABELS,
)
GROUP = fields(
    ["name"], name=STRING, interval=DURATION, rules=items(RULE), labels=LABELS, limit={"type": "integer"},
    query_offset=DURATION,
)
METADATA = fields(["name"], name=STRING, namespace=STRING, labels=LABELS, annotations=LABELS)
ONE_OF = fields(["type"], type={"enum": ["MustRunAs", "RunAsAny"]})
COMMON = {"apiVersion": STRING, "kind": STRING, "metadata": METADATA}
KINDS = {
    "PodMonitor": dict(spec=fields(
        ["selector", "podMetricsEndpoints"], jobLabel=STRING, selector=SELECTOR, podMetricsEndpoints=items(ENDPOINT))),
    "ServiceMonitor": dict(spec=fields(
        ["selector", "endpoints"], jobLabel=STRING, selector=SELECTOR, endpoints=items(ENDPOINT))),
    "PrometheusRule": dict(spec=fields(["groups"], groups=items(GROUP))),
    "SecurityContextConstraints": dict(
        **{name: BOOLEAN for name in [
            "allowHostDirVolumePlugin", "allowHostIPC", "allowHostNetwork", "allowHostPID", "allowHostPorts",
            "allowPrivilegeEscalation", "allowPrivilegedContainer", "readOnlyRootFilesystem"]},
        **{name: STRINGS for name in [
            "allowedCapabilities", "defaultAddCapabilities", "requiredDropCapabilities", "seccompProfiles", "users",
            "groups", "volumes"]},
        fsGroup=ONE_OF, runAsUser=ONE_OF, supplementalGroups=ONE_OF,
        seLinuxContext=fields(
            ["type"], type={"enum": ["MustRunAs", "RunAsAny"]},
            seLinuxOptions=fields(user=STRING, role=STRING, type=STRING, level=STRING)),
    ),
}
OPERATORS = ["monitoring.coreos.com/v1", "security.openshift.io/v1"]


def operators(thing):
    import jsonschema

    own = KINDS[thing["kind"]]
    schema = fields([*COMMON, *own], **COMMON, **own)
    if thing["kind"] == "SecurityContextConstraints":
        schema["required"] = [name for name in schema["required"] if name != "groups"]
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(thing)]


ANSWERS = {
    "render": render,
    "check": check,
    "package": lambda request: helm.package(request["chart"], destination=request["argument"]),
    "yaml": lambda request: yaml.load(request["argument"], Loader),
    "validate": validate,
}

question = json.load(sys.stdin)
json.dump(ANSWERS[question["what"]](question), sys.stdout)
