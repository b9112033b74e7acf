use super::*;
use std::fs;

fn resolve(
    endpoint: Option<&str>,
    protocol: Option<TracesProtocol>,
    variables: &[(&str, &str)],
) -> Result<Option<TracesSettings>, String> {
    let look_up = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let wish = TracesWish { endpoint, protocol, of: EventsOf::Mismatched };
    let resolved = TracesSettings::resolve(&wish, &Environment::new(&look_up));
    resolved.map_err(|failure| {
        assert!(!matches!(failure, TracesError::Tls(_)), "{failure}");
        failure.to_string()
    })
}

fn endpoint(option: Option<&str>, variables: &[(&str, &str)]) -> String {
    resolve(option, None, variables).unwrap().unwrap().endpoint.to_string()
}

const GENERAL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

#[test]
fn nothing_is_sent_where_no_endpoint_is_named_or_it_is_switched_off() {
    assert!(resolve(None, Some(TracesProtocol::Grpc), &[]).unwrap().is_none());
    for off in [("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_TRACES_EXPORTER", "none")] {
        let named = (GENERAL, "http://c:4318");
        assert!(resolve(None, None, &[named, off]).unwrap().is_none());
        assert!(resolve(Some("http://c:4318"), None, &[off]).unwrap().is_some());
    }
}

#[test]
fn paths_follow_the_specification() {
    for (base, expected) in [
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("http://c:4318/", "http://c:4318/v1/traces"),
        ("http://c:4318/otel/", "http://c:4318/otel/v1/traces"),
    ] {
        assert_eq!(endpoint(None, &[(GENERAL, base)]), expected);
        assert_eq!(endpoint(Some(base), &[(TRACES, "http://other/")]), expected);
    }
    let both = [(GENERAL, "http://c:4318"), (TRACES, "http://t:1/as/is?x=y")];
    assert_eq!(endpoint(None, &both), "http://t:1/as/is?x=y");
    assert_eq!(endpoint(None, &[(TRACES, "http://t:1")]), "http://t:1/");
    let grpc = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc");
    assert_eq!(endpoint(Some("http://c:4317"), &[grpc]), "http://c:4317/");
}

#[test]
fn the_protocol_is_what_the_option_says_then_what_the_variables_say() {
    let general = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf");
    let protocol = |option, variables: &[(&str, &str)]| {
        resolve(Some("http://c:1"), option, variables).unwrap().unwrap().protocol
    };
    assert_eq!(protocol(None, &[]), TracesProtocol::HttpProtobuf);
    assert_eq!(protocol(None, &[general]), TracesProtocol::Grpc);
    assert_eq!(protocol(None, &[general, traces]), TracesProtocol::HttpProtobuf);
    assert_eq!(protocol(Some(TracesProtocol::Grpc), &[general, traces]), TracesProtocol::Grpc);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_name_and_a_remedy() {
    let path = "/nonexistent/ca.pem";
    for (name, value, says) in [
        (GENERAL, "collector:4317", "http://collector:4318"),
        (GENERAL, "ftp://c", "http://collector:4318"),
        (GENERAL, "http://c:4318?x", "query"),
        (GENERAL, "http://a:secret@c", "OTEL_EXPORTER_OTLP_HEADERS"),
        (TRACES, "not a url", "http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "milliseconds"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret", "name=value"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zstd", "gzip"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", path, path),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", path, "set both"),
        ("OTEL_RESOURCE_ATTRIBUTES", "x", "name=value"),
    ] {
        let is_tls = name.contains("CERTIFICATE") || name.contains("KEY");
        let named = (GENERAL, if is_tls { "https://c:4318" } else { "http://c:4318" });
        let said = resolve(None, None, &[(name, value), named]).err().unwrap();
        assert!(said.contains(name) && said.contains(says), "{name}={value}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
    let said = resolve(Some("http://c/path"), Some(TracesProtocol::Grpc), &[]).err().unwrap();
    assert!(said.contains("--otlp-endpoint") && said.contains("path"), "{said}");
}

#[test]
fn a_file_without_a_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.pem");
    fs::write(&file, "nothing\n").unwrap();
    let file = file.display().to_string();
    let variables = [("OTEL_EXPORTER_OTLP_CERTIFICATE", file.as_str())];
    let said = resolve(Some("https://c"), None, &variables).err().unwrap();
    assert!(said.contains("OTEL_EXPORTER_OTLP_CERTIFICATE") && said.contains(&file), "{said}");
    // Without TLS it is not looked at.
    assert!(resolve(Some("http://c"), None, &variables).is_ok());
}
